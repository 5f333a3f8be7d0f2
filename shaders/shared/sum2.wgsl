// Two sums over a team of 8 or 64 neighbouring invocations at once, in its first one; two levels of eight in a fixed order.
var<workgroup> sums_of: array<vec2f, 64>;
fn summed_by_team(local: u32, team: u32, own: vec2f) -> vec2f {
  var all = own;
  sums_of[local] = own;
  workgroupBarrier();
  if team == 64u && local < 8u {
    for (var k = 1u; k < 8u; k += 1u) { all += sums_of[local + 8u * k]; }
    sums_of[local] = all;
  }
  workgroupBarrier();
  if local % team == 0u {
    for (var k = 1u; k < 8u; k += 1u) { all += sums_of[local + k]; }
  }
  return all;
}
