// Gradient of a tile's prediction: grad_loss · share[image] · (A + 2a·B + b·C) with the blurred slopes A, B, C of the windows that a pixel
// is in; 0 under the mask, for NaN and outside of the data range.
// Launcher:  kernels/masked_ssim_loss.rs   Reference: src/reference/masked_ssim_loss.rs
// Grid:      one pixel of the tile an invocation, 64 a workgroup, folded past 65 535 groups.
// Numerics:  f32; a and b are centred, as in masked_ssim_prepare.
struct Params { origin: u32, cols: u32, height: u32, width: u32, pitch: u32, image: u32, low: f32, high: f32, centre: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> slopes: array<f32>;            // [3, height, pitch]
@group(0) @binding(1) var<storage, read> pred: array<f32>;              // [planes, rows, cols]
@group(0) @binding(2) var<storage, read> wanted: array<f32>;            // [planes, rows, cols]
@group(0) @binding(3) var<storage, read> mask: array<f32>;              // [planes, rows, cols], 1 = invalid
@group(0) @binding(4) var<storage, read> share: array<f32>;             // [images]: ∂loss / ∂(similarity of one valid pixel)
@group(0) @binding(5) var<storage, read> grad_loss: array<f32>;         // [1]
@group(0) @binding(6) var<storage, read_write> grad_pred: array<f32>;   // [planes, rows, cols]
//!include shared/flat.wgsl
//!include shared/nan.wgsl

@compute @workgroup_size(64)
fn masked_ssim_loss_grad_pred(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let pixel = flat_group(group, groups) * 64u + local;
  if pixel >= params.height * params.width { return; }
  let row = pixel / params.width;
  let col = pixel % params.width;
  let at = params.origin + row * params.cols + col;
  let is_nan = are_nan(vec4f(pred[at], wanted[at], 0.0, 0.0));
  let a = pred[at] - params.centre;
  let b = clamp(select(wanted[at], 0.0, is_nan.y), params.low, params.high) - params.centre;
  let area = params.height * params.pitch;
  let i = row * params.pitch + col;
  let slope = slopes[i] + 2.0 * a * slopes[area + i] + b * slopes[2u * area + i];
  let moves = mask[at] == 0.0 && !is_nan.x && pred[at] >= params.low && pred[at] <= params.high;
  grad_pred[at] = select(0.0, grad_loss[0] * share[params.image] * slope, moves);
}
