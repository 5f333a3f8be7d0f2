// Gradient of the masked loss: grad_pred = grad_loss · share[image] · (1 − mask) · slope, slope = sign(e) or 2e, e = pred − wanted.
// Launcher:  kernels/masked_loss.rs   Reference: src/reference/masked_loss.rs
// Grid:      one pack an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  sign(0) = 0; a squared error's NaN under the mask stays NaN.
struct Params { packs: u32, parts: u32, images: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> pred: array<Pack>;             // [images, packs]
@group(0) @binding(1) var<storage, read> wanted: array<Pack>;           // [images, packs]
@group(0) @binding(2) var<storage, read> mask: array<Pack>;             // [images, packs], 1 = invalid
@group(0) @binding(3) var<storage, read> share: array<f32>;             // [images]
@group(0) @binding(4) var<storage, read> grad_loss: array<f32>;         // [images], or [1] where reduced
@group(0) @binding(5) var<storage, read_write> grad_pred: array<Pack>;  // [images, packs]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
// 0: absolute error, 1: squared error.
const KIND = 0u;
// 1: one upstream gradient for all images.
const REDUCED = 0u;

@compute @workgroup_size(64)
fn masked_loss_grad_pred(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  let image = part / params.parts;
  let pack = part % params.parts * 64u + local;
  if image >= params.images || pack >= params.packs { return; }
  let i = image * params.packs + pack;
  let error = pred[i] - wanted[i];
  // Not sign(): its value at NaN is unspecified.
  let sign = select(Pack(0.0), Pack(1.0), error > Pack(0.0)) - select(Pack(0.0), Pack(1.0), error < Pack(0.0));
  let upstream = grad_loss[select(image, 0u, REDUCED == 1u)] * share[image];
  grad_pred[i] = upstream * (Pack(1.0) - mask[i]) * select(sign, 2.0 * error, KIND == 1u);
}
