// Masked loss from its partial sums: loss[i] = Σ sums / max(Σ valid, 1) per image, then none, mean, sum, or 1 − mean over
// the images.
// Launcher:  kernels/masked_loss.rs   Reference: src/reference/masked_loss.rs
// Grid:      one workgroup.
// Numerics:  f32 in fixed order; an image without a valid pixel has loss 0 and counts in the mean.
struct Params { parts: u32, images: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<vec2f>;        // [images, parts]: loss, valid pixels
@group(0) @binding(1) var<storage, read_write> loss: array<f32>;    // [images], or [1] where reduced
@group(0) @binding(2) var<storage, read_write> share: array<f32>;   // [images]: ∂loss / ∂(e of one valid pixel)
//!include shared/sum1.wgsl
// 0: one loss an image, 1: their mean, 2: their sum, 3: one minus their mean.
const REDUCTION = 0u;
const GROUP = 64u;
alias Sum = vec2f;

@compute @workgroup_size(64)
fn masked_loss(@builtin(local_invocation_index) local: u32) {
  let mean = select(1.0, 1.0 / f32(params.images), REDUCTION == 1u || REDUCTION == 3u);
  var total = 0.0;
  for (var image = 0u; image < params.images; image++) {
    var sum = vec2f(0.0);
    for (var part = local; part < params.parts; part += 64u) { sum += sums[image * params.parts + part]; }
    let all = summed(local, sum);
    if local == 0u {
      let valid = max(all.y, 1.0);
      let one = all.x / valid;
      total += one;
      share[image] = select(mean, -mean, REDUCTION == 3u) / valid;
      if REDUCTION == 0u { loss[image] = one; }
    }
    workgroupBarrier();
  }
  if local == 0u && REDUCTION != 0u { loss[0] = select(total * mean, 1.0 - total * mean, REDUCTION == 3u); }
}
