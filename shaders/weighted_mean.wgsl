// A mean from partial sums: loss = Σ sums.x · share with share = 1 / Σ sums.y, 0 where that sum is 0.
// Launcher:  kernels/weighted_mean.rs   Reference: the means of the losses that use it (src/reference/cross_entropy.rs)
// Grid:      one workgroup.
// Numerics:  f32 in fixed order; NaN in a sum stays NaN.
struct Params { parts: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<vec2f>;        // [parts]: weighted values, weights
@group(0) @binding(1) var<storage, read_write> loss: array<f32>;    // [1]
@group(0) @binding(2) var<storage, read_write> share: array<f32>;   // [1]: ∂loss / ∂(a value of weight 1)
//!include shared/sum1.wgsl
const GROUP = 64u;
alias Sum = vec2f;

@compute @workgroup_size(64)
fn weighted_mean(@builtin(local_invocation_index) local: u32) {
  var sum = vec2f(0.0);
  for (var part = local; part < params.parts; part += 64u) { sum += sums[part]; }
  let all = summed(local, sum);
  if local == 0u {
    let one = select(1.0 / all.y, 0.0, all.y == 0.0);
    loss[0] = all.x * one;
    share[0] = one;
  }
}
