// Two sums over the 64 invocations of a workgroup at once, in a tree of fixed order; valid in invocation 0.
var<workgroup> sums_of: array<vec2f, 64>;
fn summed_by_workgroup(local: u32, own: vec2f) -> vec2f {
  sums_of[local] = own;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half /= 2u) {
    if local < half { sums_of[local] += sums_of[local + half]; }
    workgroupBarrier();
  }
  return sums_of[0];
}
