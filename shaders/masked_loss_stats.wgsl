// Per-workgroup sums of the masked loss: Σ e·(1 − mask) and Σ (1 − mask) with d = pred − wanted and e = |d|, d², ½d² where |d| ≤ shape and
// shape·(|d| − ½ shape) beyond (Huber), |d|^(1 + shape), or (1 − shape)·d where d > 0 and −shape·d below (pinball).
// Launcher:  kernels/masked_loss.rs   Reference: src/reference/masked_loss.rs
// Grid:      16 packs an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  f32 sums of 64 values an invocation, then a tree of fixed order; a NaN under the mask stays NaN (NaN·0).
struct Params { packs: u32, parts: u32, images: u32, shape: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> pred: array<Pack>;         // [images, packs]
@group(0) @binding(1) var<storage, read> wanted: array<Pack>;       // [images, packs]
@group(0) @binding(2) var<storage, read> mask: array<Pack>;         // [images, packs], 1 = invalid
@group(0) @binding(3) var<storage, read_write> sums: array<vec2f>;  // [images, parts]: loss, valid pixels
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/sum1.wgsl
// 0: absolute error, 1: squared error, 2: Huber's, 3: a power of the absolute error, 4: a quantile's.
const KIND = 0u;
const PACKS_EACH = 16u;
const GROUP = 64u;
alias Sum = vec2f;

fn cost(error: Pack) -> Pack {
  let size = abs(error);
  if KIND == 1u { return error * error; }
  if KIND == 2u { return select(params.shape * (size - 0.5 * params.shape), 0.5 * error * error, size <= Pack(params.shape)); }
  // The power of 0 is left to no device.
  if KIND == 3u { return select(size * pow(size, Pack(params.shape)), size, size == Pack(0.0)); }
  if KIND == 4u { return select(-params.shape * error, (1.0 - params.shape) * error, error > Pack(0.0)); }
  return size;
}

@compute @workgroup_size(64)
fn masked_loss_stats(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  if part >= params.images * params.parts { return; }
  let base = part / params.parts * params.packs;
  var i = part % params.parts * PACKS_EACH * 64u + local;
  let end = min(i - local + PACKS_EACH * 64u, params.packs);
  var loss = Pack(0.0);
  var valid = Pack(0.0);
  for (; i < end; i += 64u) {
    let error = pred[base + i] - wanted[base + i];
    let keep = Pack(1.0) - mask[base + i];
    loss += cost(error) * keep;
    valid += keep;
  }
  let all = summed(local, vec2f(pack_sum(loss), pack_sum(valid)));
  if local == 0u { sums[part] = all; }
}
