// Gradient of max pooling: each input pixel gathers grad_output from the windows whose maximum it is.
// Launcher:  kernels/max_pool2d.rs   Reference: src/reference/max_pool2d.rs
// Grid:      one invocation an input pixel, 64 a workgroup, folded.
// Numerics:  f32 sum over the overlapping windows in scan order.
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel: u32, stride: u32, padding: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<f32>;        // [planes, h_out, w_out]
@group(0) @binding(1) var<storage, read> index: array<u32>;              // [planes, h_out, w_out]
@group(0) @binding(2) var<storage, read_write> grad_input: array<f32>;   // [planes, h_in, w_in]
//!include shared/flat.wgsl
//!include shared/pixel.wgsl

@compute @workgroup_size(64)
fn max_pool2d_grad_input(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let pixel = pixel_of(flat_group(group, groups), local, params.h_in, params.w_in);
  if pixel.plane >= params.planes { return; }
  let i = pixel.row * params.w_in + pixel.col;
  let rows = windows(pixel.row, params.h_out);
  let cols = windows(pixel.col, params.w_out);
  var sum = 0.0;
  for (var row = rows.x; row < rows.y; row += 1u) {
    for (var col = cols.x; col < cols.y; col += 1u) {
      let o = (pixel.plane * params.h_out + row) * params.w_out + col;
      if index[o] == i { sum += grad_output[o]; }
    }
  }
  grad_input[pixel.plane * params.h_in * params.w_in + i] = sum;
}

// First and one past the last window that covers the input position, along one axis.
fn windows(position: u32, count: u32) -> vec2u {
  let reach = position + params.padding;
  let first = select(0u, (reach - params.kernel) / params.stride + 1u, reach >= params.kernel);
  return vec2u(first, min(reach / params.stride + 1u, count));
}
