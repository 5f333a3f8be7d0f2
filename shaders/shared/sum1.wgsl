// One sum over a workgroup of GROUP invocations (a power of two), in its first one: a tree of fixed order.
// The kernel that includes this declares GROUP, and Sum for what is added.
var<workgroup> sum_of: array<Sum, GROUP>;
fn summed(local: u32, own: Sum) -> Sum {
  sum_of[local] = own;
  for (var half = GROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if local < half { sum_of[local] += sum_of[local + half]; }
  }
  // Of the others nobody reads this, and their own element is theirs to read.
  return sum_of[local];
}
