// What SSIM blurs of one tile with its margin: both images, 0 under the mask, clamped to the data range and centred (a, b), a², b², a·b.
// Launcher:  kernels/masked_ssim.rs   Reference: src/reference/masked_ssim.rs
// Grid:      one pack of four columns of the tile an invocation, 64 a workgroup, folded past 65 535 groups.
// Numerics:  centring keeps E[a²] − E[a]² from cancelling; a NaN counts as 0.
struct Params { origin: u32, cols: u32, height: u32, width: u32, packs: u32, low: f32, high: f32, centre: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> pred: array<f32>;             // [planes, rows, cols]
@group(0) @binding(1) var<storage, read> wanted: array<f32>;           // [planes, rows, cols]
@group(0) @binding(2) var<storage, read> mask: array<f32>;             // [planes, rows, cols], 1 = invalid
@group(0) @binding(3) var<storage, read_write> moments: array<vec4f>;  // [5, height, packs]: a, b, a², b², a·b
//!include shared/flat.wgsl
//!include shared/nan.wgsl

fn centred(value: vec4f, hidden: vec4<bool>) -> vec4f {
  return clamp(select(value, vec4f(0.0), hidden | are_nan(value)), vec4f(params.low), vec4f(params.high)) - params.centre;
}

@compute @workgroup_size(64)
fn masked_ssim_prepare(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  let area = params.height * params.packs;
  if i >= area { return; }
  let first = i % params.packs * 4u;
  // Columns past the width repeat the last one, so that nothing past the row is read; no sum uses them.
  let col = min(vec4u(first, first + 1u, first + 2u, first + 3u), vec4u(params.width - 1u));
  let at = params.origin + i / params.packs * params.cols + col;
  let hidden = vec4f(mask[at.x], mask[at.y], mask[at.z], mask[at.w]) != vec4f(0.0);
  let x = centred(vec4f(pred[at.x], pred[at.y], pred[at.z], pred[at.w]), hidden);
  let y = centred(vec4f(wanted[at.x], wanted[at.y], wanted[at.z], wanted[at.w]), hidden);
  moments[i] = x;
  moments[area + i] = y;
  moments[2u * area + i] = x * x;
  moments[3u * area + i] = y * y;
  moments[4u * area + i] = x * y;
}
