// Maximum over windows, and where it is: output = max over the window, index = its position row·w_in + col in the input plane.
// Ties go to the first in scan order; NaN wins, as in PyTorch. Padding never wins.
// Launcher:  kernels/max_pool2d.rs   Reference: src/reference/max_pool2d.rs
// Grid:      one invocation an output pixel, 64 a workgroup, folded.
// Numerics:  exact.
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel: u32, stride: u32, padding: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;          // [planes, h_in, w_in]
@group(0) @binding(1) var<storage, read_write> output: array<f32>;   // [planes, h_out, w_out]
@group(0) @binding(2) var<storage, read_write> index: array<u32>;    // [planes, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/pixel.wgsl
//!include shared/nan.wgsl

@compute @workgroup_size(64)
fn max_pool2d(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let pixel = pixel_of(flat_group(group, groups), local, params.h_out, params.w_out);
  if pixel.plane >= params.planes { return; }
  let top = pixel.row * params.stride;
  let left = pixel.col * params.stride;
  // Window without its padded part, in input coordinates.
  let row_begin = max(top, params.padding) - params.padding;
  let col_begin = max(left, params.padding) - params.padding;
  let row_end = min(top + params.kernel - params.padding, params.h_in);
  let col_end = min(left + params.kernel - params.padding, params.w_in);
  let plane = pixel.plane * params.h_in * params.w_in;
  var place = row_begin * params.w_in + col_begin;
  var best = input[plane + place];
  for (var row = row_begin; row < row_end; row += 1u) {
    for (var col = col_begin; col < col_end; col += 1u) {
      let i = row * params.w_in + col;
      let value = input[plane + i];
      if is_nan(value) || (value > best && !is_nan(best)) {
        best = value;
        place = i;
      }
    }
  }
  let o = (pixel.plane * params.h_out + pixel.row) * params.w_out + pixel.col;
  output[o] = best;
  index[o] = place;
}
