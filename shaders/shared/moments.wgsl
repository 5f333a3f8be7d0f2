// Count, mean and sum of squared deviations of a set, merged by Chan, Golub & LeVeque (1979), and the merge of all 64 invocations.
struct Moments { count: f32, mean: f32, m2: f32 }

fn merged(a: Moments, b: Moments) -> Moments {
  let count = a.count + b.count;
  if count == 0.0 { return a; }
  let share = b.count / count;
  let delta = b.mean - a.mean;
  return Moments(count, a.mean + delta * share, a.m2 + b.m2 + delta * delta * a.count * share);
}

var<workgroup> moments_of: array<Moments, 64>;

// The set of all 64 invocations, in invocation 0; a tree of fixed order.
fn merged_by_workgroup(local: u32, own: Moments) -> Moments {
  moments_of[local] = own;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if local < half { moments_of[local] = merged(moments_of[local], moments_of[local + half]); }
    workgroupBarrier();
  }
  return moments_of[0];
}
