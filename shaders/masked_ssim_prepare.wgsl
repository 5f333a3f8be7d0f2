// What SSIM blurs: both images, 0 under the mask, clamped to the data range and centred (a, b), and a², b², a·b.
// Launcher:  kernels/masked_ssim.rs   Reference: tests/reference/masked_ssim.rs
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  centring keeps E[a²] − E[a]² from cancelling; a NaN counts as 0.
struct Params { packs: u32, low: f32, high: f32, centre: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> pred: array<vec4f>;         // [len]
@group(0) @binding(1) var<storage, read> wanted: array<vec4f>;       // [len]
@group(0) @binding(2) var<storage, read> mask: array<vec4f>;         // [len], 1 = invalid
@group(0) @binding(3) var<storage, read_write> a: array<vec4f>;      // [len]
@group(0) @binding(4) var<storage, read_write> b: array<vec4f>;      // [len]
@group(0) @binding(5) var<storage, read_write> aa: array<vec4f>;     // [len]
@group(0) @binding(6) var<storage, read_write> bb: array<vec4f>;     // [len]
@group(0) @binding(7) var<storage, read_write> ab: array<vec4f>;     // [len]
//!include shared/flat.wgsl

fn centred(value: vec4f, hidden: vec4<bool>) -> vec4f {
  // The bits, because comparisons with NaN may be optimised away.
  let nan = (bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  return clamp(select(value, vec4f(0.0), hidden | nan), vec4f(params.low), vec4f(params.high)) - params.centre;
}

@compute @workgroup_size(64)
fn masked_ssim_prepare(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  let hidden = mask[i] != vec4f(0.0);
  let x = centred(pred[i], hidden);
  let y = centred(wanted[i], hidden);
  a[i] = x;
  b[i] = y;
  aa[i] = x * x;
  bb[i] = y * y;
  ab[i] = x * y;
}
