// Per-workgroup sums of SSIM over valid pixels inside the frame, from the blurred moments:
// (2μxμy + c1)(2σxy + c2) / ((μx² + μy² + c1)(σx² + σy² + c2)), variances at least 0.
// Launcher:  kernels/masked_ssim.rs   Reference: tests/reference/masked_ssim.rs
// Grid:      16 pixels an invocation, `parts` workgroups an image, folded past 65 535 groups.
// Numerics:  f32 sums of 1024 pixels in fixed order; the host adds them in f64.
struct Params { images: u32, planes: u32, rows: u32, cols: u32, frame: u32, parts: u32, centre: f32, c1: f32, c2: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> a: array<f32>;              // [images, planes, rows, cols], mean of the centred prediction
@group(0) @binding(1) var<storage, read> b: array<f32>;              // the same of the target
@group(0) @binding(2) var<storage, read> aa: array<f32>;             // the same shape: mean squares
@group(0) @binding(3) var<storage, read> bb: array<f32>;             // the same shape
@group(0) @binding(4) var<storage, read> ab: array<f32>;             // the same shape: mean product
@group(0) @binding(5) var<storage, read> mask: array<f32>;           // the same shape, 1 = invalid
@group(0) @binding(6) var<storage, read_write> sums: array<vec2f>;   // [images, parts]: SSIM, valid pixels
//!include shared/flat.wgsl
const PIXELS_EACH = 16u;
var<workgroup> lanes: array<vec2f, 64>;

fn similarity(i: u32) -> f32 {
  let variances = max(aa[i] - a[i] * a[i], 0.0) + max(bb[i] - b[i] * b[i], 0.0);
  let covariance = ab[i] - a[i] * b[i];
  let x = a[i] + params.centre;
  let y = b[i] + params.centre;
  return (2.0 * x * y + params.c1) * (2.0 * covariance + params.c2) / ((x * x + y * y + params.c1) * (variances + params.c2));
}

@compute @workgroup_size(64)
fn masked_ssim(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  if part >= params.images * params.parts { return; }
  let inner_rows = params.rows - 2u * params.frame;
  let inner_cols = params.cols - 2u * params.frame;
  let pixels = params.planes * inner_rows * inner_cols;
  var sum = vec2f(0.0);
  for (var k = 0u; k < PIXELS_EACH; k++) {
    let pixel = (part % params.parts * PIXELS_EACH + k) * 64u + local;
    if pixel < pixels {
      let plane = part / params.parts * params.planes + pixel / inner_cols / inner_rows;
      let row = pixel / inner_cols % inner_rows + params.frame;
      let i = (plane * params.rows + row) * params.cols + pixel % inner_cols + params.frame;
      if mask[i] == 0.0 { sum += vec2f(similarity(i), 1.0); }
    }
  }
  lanes[local] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if local < half { lanes[local] += lanes[local + half]; }
  }
  if local == 0u { sums[part] = lanes[0]; }
}
