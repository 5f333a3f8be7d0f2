// Per-workgroup sums of the cross entropy over counted pixels: Σ Σ_c w_c·q_c·(−ln softmax_c) and Σ w_t, q_c = (1 − s)·[c = t] + s/classes.
// Launcher:  kernels/cross_entropy.rs   Reference: src/reference/cross_entropy.rs
// Grid:      16 pixels an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  logits less the pixel's largest; f32 sums of 16 pixels, then a tree of fixed order. A counted pixel without a class gives NaN.
struct Params { pixels: u32, parts: u32, images: u32, classes: u32, smoothing: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> logits: array<f32>;        // [images, classes, pixels]
@group(0) @binding(1) var<storage, read> wanted: array<f32>;        // [images, pixels], numbers of classes
@group(0) @binding(2) var<storage, read> mask: array<f32>;          // [images, pixels], 1 = not counted
@group(0) @binding(3) var<storage, read> class_weights: array<f32>; // [classes], anything without WEIGHTED
@group(0) @binding(4) var<storage, read_write> sums: array<vec2f>;  // [images, parts]: loss, weight
//!include shared/flat.wgsl
//!include shared/class_sum.wgsl
//!include shared/class_of.wgsl
//!include shared/sum1.wgsl
// 1: classes have weights.
const WEIGHTED = 0u;
const PIXELS_EACH = 16u;
const GROUP = 64u;
alias Sum = vec2f;

// Loss and weight of a pixel whose class 0 lies at `first`.
fn pixel(first: u32, value: f32) -> vec2f {
  let of_target = class_of(value, params.classes);
  let sum = class_sum(first);
  let log_sum = log(sum.y);
  let smooth_share = params.smoothing / f32(params.classes);
  var own = vec2f(0.0);
  for (var c = 0u; c < params.classes; c++) {
    var weight = 1.0;
    if WEIGHTED == 1u { weight = class_weights[c]; }
    let is_target = c == of_target;
    let share = smooth_share + select(0.0, 1.0 - params.smoothing, is_target);
    own += vec2f(weight * share * ((sum.x - logits[first + c * params.pixels]) + log_sum), select(0.0, weight, is_target));
  }
  if of_target == params.classes { own.x = not_a_number(params.parts >> 31u); }
  return own;
}

@compute @workgroup_size(64)
fn cross_entropy_stats(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  if part >= params.images * params.parts { return; }
  let image = part / params.parts;
  var i = part % params.parts * PIXELS_EACH * 64u + local;
  let end = min(i - local + PIXELS_EACH * 64u, params.pixels);
  var own = vec2f(0.0);
  for (; i < end; i += 64u) {
    let at = image * params.pixels + i;
    if mask[at] != 0.0 { continue; }
    own += pixel(image * params.classes * params.pixels + i, wanted[at]);
  }
  let all = summed(local, own);
  if local == 0u { sums[part] = all; }
}
