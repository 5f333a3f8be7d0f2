// Slopes of each pixel's SSIM, with respect to the blurred moments of the prediction: ∂s/∂E[a], ∂s/∂E[a²] and ∂s/∂E[a·b], 0 where the
// pixel is masked or in the frame. With s = l1·l2 / (m1·m2): (2y·l2 − 2b·l1)/(m1·m2) − s·(2x/m1 − 2a/m2), −s/m2 and 2·l1/(m1·m2).
// Launcher:  kernels/masked_ssim_loss.rs   Reference: src/reference/masked_ssim_loss.rs
// Grid:      one pixel of the tile with its margin an invocation, 64 a workgroup, folded past 65 535 groups.
// Numerics:  f32; a variance below 0 counts as 0, and has no slope.
struct Params {
  origin: u32, cols: u32, top: u32, left: u32, height: u32, width: u32, pitch: u32, rows: u32, pitch_out: u32, centre: f32, c1: f32, c2: f32
}
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> moments: array<f32>;        // [5, height, pitch]: means of a, b, a², b², a·b, centred
@group(0) @binding(1) var<storage, read> mask: array<f32>;           // [planes, rows, cols], 1 = invalid
@group(0) @binding(2) var<storage, read_write> slopes: array<f32>;   // [3, rows, pitch_out]
//!include shared/flat.wgsl

fn slopes_at(i: u32) -> vec3f {
  let area = params.height * params.pitch;
  let a = moments[i];
  let b = moments[area + i];
  let variance_a = moments[2u * area + i] - a * a;
  let variance_b = max(moments[3u * area + i] - b * b, 0.0);
  let x = a + params.centre;
  let y = b + params.centre;
  let l1 = 2.0 * x * y + params.c1;
  let l2 = 2.0 * (moments[4u * area + i] - a * b) + params.c2;
  let m1 = x * x + y * y + params.c1;
  let m2 = max(variance_a, 0.0) + variance_b + params.c2;
  let below = 1.0 / (m1 * m2);
  let similarity = l1 * l2 * below;
  let of_square = select(0.0, -similarity / m2, variance_a >= 0.0);
  let of_mean = 2.0 * (y * l2 - b * l1) * below - 2.0 * similarity * x / m1 - 2.0 * a * of_square;
  return vec3f(of_mean, of_square, 2.0 * l1 * below);
}

@compute @workgroup_size(64)
fn masked_ssim_loss_grad_moments(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  let area = params.rows * params.pitch_out;
  if i >= area { return; }
  // Before the first row or column these wrap around, and are too large.
  let row = i / params.pitch_out - params.top;
  let col = i % params.pitch_out - params.left;
  var all = vec3f(0.0);
  if row < params.height && col < params.width {
    if mask[params.origin + row * params.cols + col] == 0.0 { all = slopes_at(row * params.pitch + col); }
  }
  slopes[i] = all.x;
  slopes[area + i] = all.y;
  slopes[2u * area + i] = all.z;
}
