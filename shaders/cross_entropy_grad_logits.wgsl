// Gradient of the cross entropy: grad_logits_c = grad_loss·share·(softmax_c·Σ_k w_k·q_k − w_c·q_c), 0 where a pixel is not counted.
// Launcher:  kernels/cross_entropy.rs   Reference: src/reference/cross_entropy.rs
// Grid:      one pixel an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  logits less the pixel's largest; a counted pixel without a class has the gradient of the smoothing alone (its loss is NaN).
struct Params { pixels: u32, parts: u32, images: u32, classes: u32, smoothing: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> logits: array<f32>;            // [images, classes, pixels]
@group(0) @binding(1) var<storage, read> wanted: array<f32>;            // [images, pixels], numbers of classes
@group(0) @binding(2) var<storage, read> mask: array<f32>;              // [images, pixels], 1 = not counted
@group(0) @binding(3) var<storage, read> class_weights: array<f32>;     // [classes], anything without WEIGHTED
@group(0) @binding(4) var<storage, read> share: array<f32>;             // [1]
@group(0) @binding(5) var<storage, read> grad_loss: array<f32>;         // [1]
@group(0) @binding(6) var<storage, read_write> grad_logits: array<f32>; // [images, classes, pixels]
//!include shared/flat.wgsl
//!include shared/class_sum.wgsl
//!include shared/class_of.wgsl
// 1: classes have weights.
const WEIGHTED = 0u;

// Weight times wanted probability of class c.
fn weighted(c: u32, of_target: u32) -> f32 {
  var weight = 1.0;
  if WEIGHTED == 1u { weight = class_weights[c]; }
  return weight * (params.smoothing / f32(params.classes) + select(0.0, 1.0 - params.smoothing, c == of_target));
}

@compute @workgroup_size(64)
fn cross_entropy_grad_logits(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  let image = part / params.parts;
  let i = part % params.parts * 64u + local;
  if image >= params.images || i >= params.pixels { return; }
  let at = image * params.pixels + i;
  let first = image * params.classes * params.pixels + i;
  if mask[at] != 0.0 {
    for (var c = 0u; c < params.classes; c++) { grad_logits[first + c * params.pixels] = 0.0; }
    return;
  }
  let upstream = grad_loss[0] * share[0];
  let of_target = class_of(wanted[at], params.classes);
  let sum = class_sum(first);
  var all = 0.0;
  for (var c = 0u; c < params.classes; c++) { all += weighted(c, of_target); }
  for (var c = 0u; c < params.classes; c++) {
    let j = first + c * params.pixels;
    grad_logits[j] = upstream * (exp(logits[j] - sum.x) / sum.y * all - weighted(c, of_target));
  }
}
