// Copies a block of channels of every image, shifted: output(row, col) = input(row + down, col + right), zero outside the input.
// Zero padding, its gradient (a crop), concatenation and its gradient (a slice) are such copies.
// Launcher:  kernels/pad.rs   Reference: src/reference/pad.rs
// Grid:      one pack of output an invocation, 64 a workgroup, folded. All lengths along rows in packs.
// Numerics:  exact.
struct Params { planes: u32, channels: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, image_in: u32, begin_in: u32, image_out: u32, begin_out: u32, down: i32, right: i32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Pack>;          // [n, image_in], a block [channels, h_in, w_in] at begin_in
@group(0) @binding(1) var<storage, read_write> output: array<Pack>;   // [n, image_out], a block [channels, h_out, w_out] at begin_out
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/pixel.wgsl

@compute @workgroup_size(64)
fn pad(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let pixel = pixel_of(flat_group(group, groups), local, params.h_out, params.w_out);
  if pixel.plane >= params.planes { return; }
  let image = pixel.plane / params.channels;
  let channel = pixel.plane - image * params.channels;
  let row = i32(pixel.row) + params.down;
  let col = i32(pixel.col) + params.right;
  var value = Pack(0.0);
  if row >= 0 && row < i32(params.h_in) && col >= 0 && col < i32(params.w_in) {
    value = input[image * params.image_in + params.begin_in + (channel * params.h_in + u32(row)) * params.w_in + u32(col)];
  }
  output[image * params.image_out + params.begin_out + (channel * params.h_out + pixel.row) * params.w_out + pixel.col] = value;
}
