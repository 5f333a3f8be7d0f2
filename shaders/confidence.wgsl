// Confidence of a pixel: 1 − H / ln classes, H = −Σ_c q_c·ln q_c, q = p clipped to [1e-6, 1 − 1e-6] and not made to add up to 1 again.
// Launcher:  kernels/confidence.rs   Reference: src/reference/confidence.rs
// Grid:      one pixel an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  f32; NaN stays NaN.
struct Params { pixels: u32, parts: u32, images: u32, classes: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> probabilities: array<f32>;      // [images, classes, pixels]
@group(0) @binding(1) var<storage, read_write> output: array<f32>;       // [images, pixels]
//!include shared/flat.wgsl
//!include shared/nan.wgsl
const LEAST = 1e-6;

@compute @workgroup_size(64)
fn confidence(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  let image = part / params.parts;
  let i = part % params.parts * 64u + local;
  if image >= params.images || i >= params.pixels { return; }
  var sum = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let p = probabilities[(image * params.classes + c) * params.pixels + i];
    let q = select(clamp(p, LEAST, 1.0 - LEAST), p, is_nan(p));
    sum += q * log(q);
  }
  output[image * params.pixels + i] = 1.0 + sum / log(f32(params.classes));
}
