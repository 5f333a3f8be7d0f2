// Gradient of the Dice loss: grad_logits_c = grad_loss·p_c·(g_c − Σ_k p_k·g_k), g_c = slopes_c.x·t_c + slopes_c.y·p_c, p = softmax;
// 0 where a pixel is not counted.
// Launcher:  kernels/dice_loss.rs   Reference: src/reference/dice_loss.rs
// Grid:      one pixel an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  logits less the pixel's largest.
struct Params { pixels: u32, parts: u32, images: u32, classes: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> logits: array<f32>;            // [images, classes, pixels]
@group(0) @binding(1) var<storage, read> wanted: array<f32>;            // [images, pixels], numbers of classes
@group(0) @binding(2) var<storage, read> mask: array<f32>;              // [images, pixels], 1 = not counted
@group(0) @binding(3) var<storage, read> slopes: array<vec2f>;          // [classes]
@group(0) @binding(4) var<storage, read> grad_loss: array<f32>;         // [1]
@group(0) @binding(5) var<storage, read_write> grad_logits: array<f32>; // [images, classes, pixels]
//!include shared/flat.wgsl
//!include shared/class_sum.wgsl
//!include shared/class_of.wgsl

@compute @workgroup_size(64)
fn dice_loss_grad_logits(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
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
  let of_target = class_of(wanted[at], params.classes);
  let sum = class_sum(first);
  var mean = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let p = exp(logits[first + c * params.pixels] - sum.x) / sum.y;
    mean += p * (slopes[c].y * p + select(0.0, slopes[c].x, c == of_target));
  }
  for (var c = 0u; c < params.classes; c++) {
    let j = first + c * params.pixels;
    let p = exp(logits[j] - sum.x) / sum.y;
    grad_logits[j] = grad_loss[0] * p * (slopes[c].y * p + select(0.0, slopes[c].x, c == of_target) - mean);
  }
}
