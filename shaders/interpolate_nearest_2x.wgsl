// Nearest resampling to exactly twice the size of rows of even length: each pixel becomes a block of 2 × 2.
// Launcher:  kernels/interpolate.rs   Reference: src/reference/interpolate.rs
// Grid:      one invocation two neighbouring input pixels, 64 a workgroup, folded.
// Numerics:  exact.
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, ratio_h: f32, ratio_w: f32, strip: u32, strips: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec2f>;          // [planes, h_in, w_in]
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;   // [planes, 2·h_in, 2·w_in]
//!include shared/flat.wgsl
//!include shared/pixel.wgsl

@compute @workgroup_size(64)
fn interpolate_nearest_2x(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let width = params.w_in / 2u;
  let pixel = pixel_of(flat_group(group, groups), local, params.h_in, width);
  if pixel.plane >= params.planes { return; }
  let line = pixel.plane * params.h_in + pixel.row;
  let value = input[line * width + pixel.col].xxyy;
  output[2u * line * width + pixel.col] = value;
  output[(2u * line + 1u) * width + pixel.col] = value;
}
