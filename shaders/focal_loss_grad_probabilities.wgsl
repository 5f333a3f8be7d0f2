// Gradient of the focal loss: grad_p_c = grad_loss·share·w_c·y_c·(γ·(1 − p_c)^(γ − 1)·ln p_c − (1 − p_c)^γ / p_c), 0 where p is clipped
// (outside [1e-7, 1 − 1e-7]) or the pixel is not counted.
// Launcher:  kernels/focal_loss.rs   Reference: src/reference/focal_loss.rs
// Grid:      one pixel an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  f32; the gradient at a probability that is NaN is 0 (its loss is NaN).
struct Params { pixels: u32, parts: u32, images: u32, classes: u32, gamma: f32, smoothing: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> probabilities: array<f32>;            // [images, classes, pixels]
@group(0) @binding(1) var<storage, read> wanted: array<f32>;                   // [images, classes, pixels]
@group(0) @binding(2) var<storage, read> mask: array<f32>;                     // [images, pixels], 1 = not counted; anything without MASKED
@group(0) @binding(3) var<storage, read> class_weights: array<f32>;            // [classes], anything without WEIGHTED
@group(0) @binding(4) var<storage, read> share: array<f32>;                    // [1]
@group(0) @binding(5) var<storage, read> grad_loss: array<f32>;                // [1]
@group(0) @binding(6) var<storage, read_write> grad_probabilities: array<f32>; // [images, classes, pixels]
//!include shared/flat.wgsl
// 1: some pixels are not counted.
const MASKED = 0u;
// 1: classes have weights.
const WEIGHTED = 0u;
const LEAST = 1e-7;

@compute @workgroup_size(64)
fn focal_loss_grad_probabilities(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  let image = part / params.parts;
  let i = part % params.parts * 64u + local;
  if image >= params.images || i >= params.pixels { return; }
  var counts = true;
  if MASKED == 1u { counts = mask[image * params.pixels + i] == 0.0; }
  let upstream = grad_loss[0] * share[0];
  for (var c = 0u; c < params.classes; c++) {
    let j = (image * params.classes + c) * params.pixels + i;
    let p = probabilities[j];
    var slope = 0.0;
    if counts && p >= LEAST && p <= 1.0 - LEAST {
      var weight = 1.0;
      if WEIGHTED == 1u { weight = class_weights[c]; }
      let y = (1.0 - params.smoothing) * wanted[j] + params.smoothing / f32(params.classes);
      slope = upstream * weight * y * (params.gamma * pow(1.0 - p, params.gamma - 1.0) * log(p) - pow(1.0 - p, params.gamma) / p);
    }
    grad_probabilities[j] = slope;
  }
}
