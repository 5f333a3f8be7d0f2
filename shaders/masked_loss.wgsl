// Masked loss from its partial sums: loss[i] = Σ sums / max(Σ valid, 1) per image, then none, mean or sum over the images.
// Launcher:  kernels/masked_loss.rs   Reference: src/reference/masked_loss.rs
// Grid:      one workgroup.
// Numerics:  f32 in fixed order; an image without a valid pixel has loss 0 and counts in the mean.
struct Params { parts: u32, images: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> sums: array<vec2f>;        // [images, parts]: loss, valid pixels
@group(0) @binding(1) var<storage, read_write> loss: array<f32>;    // [images], or [1] where reduced
@group(0) @binding(2) var<storage, read_write> share: array<f32>;   // [images]: ∂loss / ∂(e of one valid pixel)
// 0: one loss an image, 1: their mean, 2: their sum.
const REDUCTION = 0u;
var<workgroup> lanes: array<vec2f, 64>;

@compute @workgroup_size(64)
fn masked_loss(@builtin(local_invocation_index) local: u32) {
  let mean = select(1.0, 1.0 / f32(params.images), REDUCTION == 1u);
  var total = 0.0;
  for (var image = 0u; image < params.images; image++) {
    var sum = vec2f(0.0);
    for (var part = local; part < params.parts; part += 64u) { sum += sums[image * params.parts + part]; }
    lanes[local] = sum;
    for (var half = 32u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if local < half { lanes[local] += lanes[local + half]; }
    }
    if local == 0u {
      let valid = max(lanes[0].y, 1.0);
      let one = lanes[0].x / valid;
      total += one;
      share[image] = mean / valid;
      if REDUCTION == 0u { loss[image] = one; }
    }
    workgroupBarrier();
  }
  if local == 0u && REDUCTION != 0u { loss[0] = total * mean; }
}
