// Per-workgroup sums of SSIM over the valid pixels of one tile, from the blurred moments:
// (2μxμy + c1)(2σxy + c2) / ((μx² + μy² + c1)(σx² + σy² + c2)), variances at least 0.
// Launcher:  kernels/masked_ssim.rs   Reference: src/reference/masked_ssim.rs
// Grid:      16 pixels an invocation, `parts` workgroups the tile, folded past 65 535 groups.
// Numerics:  f32 sums of 1024 pixels in fixed order; the host adds them in f64.
struct Params {
  origin: u32, cols: u32, height: u32, width: u32, pitch: u32, first_part: u32, parts: u32, centre: f32, c1: f32, c2: f32
}
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> moments: array<f32>;        // [5, height, pitch]: means of a, b, a², b², a·b, centred
@group(0) @binding(1) var<storage, read> mask: array<f32>;           // [planes, rows, cols], 1 = invalid
@group(0) @binding(2) var<storage, read_write> sums: array<vec2f>;   // [all tiles' parts]: SSIM, valid pixels
//!include shared/flat.wgsl
//!include shared/sum1.wgsl
const PIXELS_EACH = 16u;
const GROUP = 64u;
alias Sum = vec2f;

fn similarity(i: u32) -> f32 {
  let area = params.height * params.pitch;
  let a = moments[i];
  let b = moments[area + i];
  let variances = max(moments[2u * area + i] - a * a, 0.0) + max(moments[3u * area + i] - b * b, 0.0);
  let covariance = moments[4u * area + i] - a * b;
  let x = a + params.centre;
  let y = b + params.centre;
  return (2.0 * x * y + params.c1) * (2.0 * covariance + params.c2) / ((x * x + y * y + params.c1) * (variances + params.c2));
}

@compute @workgroup_size(64)
fn masked_ssim(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  if part >= params.parts { return; }
  var sum = vec2f(0.0);
  for (var k = 0u; k < PIXELS_EACH; k++) {
    let pixel = (part * PIXELS_EACH + k) * 64u + local;
    if pixel < params.height * params.width {
      let row = pixel / params.width;
      let col = pixel % params.width;
      if mask[params.origin + row * params.cols + col] == 0.0 { sum += vec2f(similarity(row * params.pitch + col), 1.0); }
    }
  }
  let all = summed(local, sum);
  if local == 0u { sums[params.first_part + part] = all; }
}
