// Gradient of resampling: each input pixel gathers share · grad_output from the output pixels that use it; MODE in shared/resample.wgsl.
// Launcher:  kernels/interpolate.rs   Reference: tests/reference/interpolate.rs
// Grid:      one invocation an input pixel, 64 a workgroup, folded.
// Numerics:  f32 sums row by row in scan order; the shares are those of the forward pass.
const MODE = 0u;
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, ratio_h: f32, ratio_w: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<f32>;        // [planes, h_out, w_out]
@group(0) @binding(1) var<storage, read_write> grad_input: array<f32>;   // [planes, h_in, w_in]
//!include shared/flat.wgsl
//!include shared/pixel.wgsl
//!include shared/resample.wgsl

@compute @workgroup_size(64)
fn interpolate_grad_input(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let pixel = pixel_of(flat_group(group, groups), local, params.h_in, params.w_in);
  if pixel.plane >= params.planes { return; }
  let rows = users(pixel.row, params.ratio_h, params.h_in, params.h_out);
  let cols = users(pixel.col, params.ratio_w, params.w_in, params.w_out);
  var sum = 0.0;
  for (var row = rows.x; row < rows.y; row += 1u) {
    let share = share_of(pixel.row, row, params.ratio_h, params.h_in);
    if share == 0.0 { continue; }
    var line = 0.0;
    for (var col = cols.x; col < cols.y; col += 1u) {
      let part = share_of(pixel.col, col, params.ratio_w, params.w_in);
      if part != 0.0 { line += part * grad_output[(pixel.plane * params.h_out + row) * params.w_out + col]; }
    }
    sum += share * line;
  }
  grad_input[(pixel.plane * params.h_in + pixel.row) * params.w_in + pixel.col] = sum;
}
