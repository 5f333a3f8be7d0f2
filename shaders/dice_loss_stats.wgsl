// Per-workgroup sums of the Dice loss over counted pixels, a class at a time: Σ p·t, Σ p², Σ t² with p = softmax and t the one-hot target.
// Launcher:  kernels/dice_loss.rs   Reference: src/reference/dice_loss.rs
// Grid:      8 pixels an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  logits less the pixel's largest; f32 sums of 8 pixels, then a tree of fixed order. A counted pixel without a class gives NaN.
struct Params { pixels: u32, parts: u32, images: u32, classes: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> logits: array<f32>;       // [images, classes, pixels]
@group(0) @binding(1) var<storage, read> wanted: array<f32>;       // [images, pixels], numbers of classes
@group(0) @binding(2) var<storage, read> mask: array<f32>;         // [images, pixels], 1 = not counted
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;   // [images, parts, classes, 3]
//!include shared/flat.wgsl
//!include shared/class_sum.wgsl
//!include shared/class_of.wgsl
//!include shared/sum1.wgsl
const PIXELS_EACH = 8u;
const GROUP = 64u;
alias Sum = vec3f;

@compute @workgroup_size(64)
fn dice_loss_stats(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  if part >= params.images * params.parts { return; }
  let image = part / params.parts;
  let first = part % params.parts * PIXELS_EACH * 64u + local;
  let logits_of = image * params.classes * params.pixels;
  // What softmax needs of each pixel, once for all classes; a share of 0 hides a pixel.
  var largest: array<f32, PIXELS_EACH>;
  var one_share: array<f32, PIXELS_EACH>;
  var target_of: array<u32, PIXELS_EACH>;
  var fault = 0.0;
  for (var k = 0u; k < PIXELS_EACH; k++) {
    let i = first + k * 64u;
    one_share[k] = 0.0;
    target_of[k] = params.classes;
    if i >= params.pixels { continue; }
    if mask[image * params.pixels + i] == 0.0 {
      let sum = class_sum(logits_of + i);
      largest[k] = sum.x;
      one_share[k] = 1.0 / sum.y;
      target_of[k] = class_of(wanted[image * params.pixels + i], params.classes);
      if target_of[k] == params.classes { fault = not_a_number(params.parts >> 31u); }
    }
  }
  for (var c = 0u; c < params.classes; c++) {
    var own = vec3f(fault);
    for (var k = 0u; k < PIXELS_EACH; k++) {
      if one_share[k] == 0.0 { continue; }
      let p = exp(logits[logits_of + c * params.pixels + first + k * 64u] - largest[k]) * one_share[k];
      let t = select(0.0, 1.0, c == target_of[k]);
      own += vec3f(p * t, p * p, t);
    }
    let all = summed(local, own);
    if local == 0u {
      let at = (part * params.classes + c) * 3u;
      sums[at] = all.x;
      sums[at + 1u] = all.y;
      sums[at + 2u] = all.z;
    }
    workgroupBarrier();
  }
}
