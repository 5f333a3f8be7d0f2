// Dice loss from its partial sums: the mean over the classes of 1 − N / D, N = 2·Σ p·t + smooth, D = Σ p² + Σ t² + smooth; and what its
// gradient needs, ∂loss/∂p = slopes.x·t + slopes.y·p.
// Launcher:  kernels/dice_loss.rs   Reference: src/reference/dice_loss.rs
// Grid:      one workgroup.
// Numerics:  f32 in fixed order.
struct Params { parts: u32, classes: u32, smooth_by: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<f32>;           // [parts, classes, 3]
@group(0) @binding(1) var<storage, read_write> loss: array<f32>;     // [1]
@group(0) @binding(2) var<storage, read_write> slopes: array<vec2f>; // [classes]
//!include shared/sum1.wgsl
const GROUP = 64u;
alias Sum = vec3f;

@compute @workgroup_size(64)
fn dice_loss(@builtin(local_invocation_index) local: u32) {
  let each = 1.0 / f32(params.classes);
  var total = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    var sum = vec3f(0.0);
    for (var part = local; part < params.parts; part += 64u) {
      let at = (part * params.classes + c) * 3u;
      sum += vec3f(sums[at], sums[at + 1u], sums[at + 2u]);
    }
    let all = summed(local, sum);
    if local == 0u {
      let above = 2.0 * all.x + params.smooth_by;
      let below = (all.y + all.z) + params.smooth_by;
      // 1 − above / below, without what cancels.
      total += ((all.y - all.x) + (all.z - all.x)) / below * each;
      slopes[c] = vec2f(-2.0, 2.0 * (above / below)) * (each / below);
    }
    workgroupBarrier();
  }
  if local == 0u { loss[0] = total; }
}
