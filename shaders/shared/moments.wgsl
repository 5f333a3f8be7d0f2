// Count, mean and sum of squared deviations of a set, merged by Chan, Golub & LeVeque (1979), and the merge
// over a team of invocations.
struct Moments { count: f32, mean: f32, m2: f32 }

fn merged(a: Moments, b: Moments) -> Moments {
  let count = a.count + b.count;
  if count == 0.0 { return a; }
  let share = b.count / count;
  let delta = b.mean - a.mean;
  return Moments(count, a.mean + delta * share, a.m2 + b.m2 + delta * delta * a.count * share);
}

var<workgroup> moments_of: array<Moments, 64>;

// The set of a team of 8 or 64 neighbouring invocations, in its first one; two levels of eight in a fixed order.
fn merged_by_team(local: u32, team: u32, own: Moments) -> Moments {
  var all = own;
  moments_of[local] = own;
  workgroupBarrier();
  if team == 64u && local < 8u {
    for (var k = 1u; k < 8u; k += 1u) { all = merged(all, moments_of[local + 8u * k]); }
    moments_of[local] = all;
  }
  workgroupBarrier();
  if local % team == 0u {
    for (var k = 1u; k < 8u; k += 1u) { all = merged(all, moments_of[local + k]); }
  }
  return all;
}
