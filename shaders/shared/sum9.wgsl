// Nine sums over a workgroup of GROUP invocations (a power of two) at once, as trees: of sums[j·GROUP …] into sums[j·GROUP].
var<workgroup> sums: array<f32, 9u * GROUP>;
fn sum9(local: u32) {
  workgroupBarrier();
  for (var reach = GROUP / 2u; reach > 0u; reach /= 2u) {
    if local < reach {
      for (var j = 0u; j < 9u; j++) { sums[j * GROUP + local] += sums[j * GROUP + local + reach]; }
    }
    workgroupBarrier();
  }
}
