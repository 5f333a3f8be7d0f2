// Gradient of the masked loss: grad_pred = grad_loss · share[image] · (1 − mask) · slope, d = pred − wanted and slope = sign(d), 2d,
// d clamped to ±shape (Huber), (1 + shape)·|d|^shape·sign(d), or 1 − shape above 0 and −shape below (pinball).
// Launcher:  kernels/masked_loss.rs   Reference: src/reference/masked_loss.rs
// Grid:      one pack an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  sign(0) = 0; a NaN under the mask stays NaN but of absolute errors.
struct Params { packs: u32, parts: u32, images: u32, shape: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> pred: array<Pack>;             // [images, packs]
@group(0) @binding(1) var<storage, read> wanted: array<Pack>;           // [images, packs]
@group(0) @binding(2) var<storage, read> mask: array<Pack>;             // [images, packs], 1 = invalid
@group(0) @binding(3) var<storage, read> share: array<f32>;             // [images]
@group(0) @binding(4) var<storage, read> grad_loss: array<f32>;         // [images], or [1] where reduced
@group(0) @binding(5) var<storage, read_write> grad_pred: array<Pack>;  // [images, packs]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
// 0: absolute error, 1: squared error, 2: Huber's, 3: a power of the absolute error, 4: a quantile's.
const KIND = 0u;
// 1: one upstream gradient for all images.
const REDUCED = 0u;

fn slope(error: Pack) -> Pack {
  // Not sign() and clamp(): their values at NaN are unspecified.
  let sign = select(Pack(0.0), Pack(1.0), error > Pack(0.0)) - select(Pack(0.0), Pack(1.0), error < Pack(0.0));
  if KIND == 1u { return 2.0 * error; }
  if KIND == 2u { return select(error, sign * params.shape, abs(error) > Pack(params.shape)); }
  if KIND == 3u { return select((1.0 + params.shape) * pow(abs(error), Pack(params.shape)) * sign, error, error == Pack(0.0)); }
  if KIND == 4u { return select(sign * params.shape, sign * (1.0 - params.shape), error > Pack(0.0)); }
  return sign;
}

@compute @workgroup_size(64)
fn masked_loss_grad_pred(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  let image = part / params.parts;
  let pack = part % params.parts * 64u + local;
  if image >= params.images || pack >= params.packs { return; }
  let i = image * params.packs + pack;
  let error = pred[i] - wanted[i];
  let upstream = grad_loss[select(image, 0u, REDUCED == 1u)] * share[image];
  grad_pred[i] = upstream * (Pack(1.0) - mask[i]) * slope(error);
}
