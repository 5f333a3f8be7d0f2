// Per-workgroup sums of the focal loss over counted pixels: Σ Σ_c −w_c·y_c·(1 − p_c)^γ·ln p_c and their number, p clipped to
// [1e-7, 1 − 1e-7], y = (1 − s)·wanted + s/classes.
// Launcher:  kernels/focal_loss.rs   Reference: src/reference/focal_loss.rs
// Grid:      16 pixels an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  f32 sums of 16 pixels, then a tree of fixed order; NaN outside the mask stays NaN.
struct Params { pixels: u32, parts: u32, images: u32, classes: u32, gamma: f32, smoothing: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> probabilities: array<f32>; // [images, classes, pixels]
@group(0) @binding(1) var<storage, read> wanted: array<f32>;        // [images, classes, pixels]
@group(0) @binding(2) var<storage, read> mask: array<f32>;          // [images, pixels], 1 = not counted; anything without MASKED
@group(0) @binding(3) var<storage, read> class_weights: array<f32>; // [classes], anything without WEIGHTED
@group(0) @binding(4) var<storage, read_write> sums: array<vec2f>;  // [images, parts]: loss, pixels
//!include shared/flat.wgsl
//!include shared/nan.wgsl
//!include shared/sum1.wgsl
// 1: some pixels are not counted.
const MASKED = 0u;
// 1: classes have weights.
const WEIGHTED = 0u;
const LEAST = 1e-7;
const PIXELS_EACH = 16u;
const GROUP = 64u;
alias Sum = vec2f;

// Loss of a pixel whose class 0 lies at `first`.
fn pixel(first: u32) -> f32 {
  var loss = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let j = first + c * params.pixels;
    var weight = 1.0;
    if WEIGHTED == 1u { weight = class_weights[c]; }
    let y = (1.0 - params.smoothing) * wanted[j] + params.smoothing / f32(params.classes);
    let p = probabilities[j];
    let q = select(clamp(p, LEAST, 1.0 - LEAST), p, is_nan(p));
    loss -= weight * y * pow(1.0 - q, params.gamma) * log(q);
  }
  return loss;
}

@compute @workgroup_size(64)
fn focal_loss_stats(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  if part >= params.images * params.parts { return; }
  let image = part / params.parts;
  var i = part % params.parts * PIXELS_EACH * 64u + local;
  let end = min(i - local + PIXELS_EACH * 64u, params.pixels);
  var own = vec2f(0.0);
  for (; i < end; i += 64u) {
    if MASKED == 1u { if mask[image * params.pixels + i] != 0.0 { continue; } }
    own += vec2f(pixel(image * params.classes * params.pixels + i), 1.0);
  }
  let all = summed(local, own);
  if local == 0u { sums[part] = all; }
}
