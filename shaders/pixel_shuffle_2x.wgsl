// pixel_shuffle by 2 where input rows are whole packs of four: of one input row and its two neighbouring channels an output row,
//   y[n, c, 2h + i, 2w + j] = bias[c] + x[n, 4c + 2i + j, h, w].
// Launcher:  kernels/pixel_shuffle.rs   Reference: src/reference/pixel_shuffle.rs   PyTorch: torch.nn.functional.pixel_shuffle
// Grid:      one pack of an input row an invocation, which gives two packs of the output; 64 a workgroup, folded.
// Numerics:  one f32 addition an element, as in pixel_shuffle.
struct Params { len: u32, c: u32, h_out: u32, w_out: u32, factor: u32, has_bias: u32 } // len and w_out in pairs of packs
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;        // [n, c·4, h_out / 2, w_out / 2]
@group(0) @binding(1) var<storage, read> bias: array<f32>;           // [c] where has_bias
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>; // [n, c, h_out, w_out]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn pixel_shuffle_2x(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = flat_group(group, groups) * 64u + local;
  if at >= params.len { return; }
  let width = params.w_out;
  let row = at / width; // over all planes of the output
  let plane = row / params.h_out;
  let row_in_plane = row - plane * params.h_out;
  let h = params.h_out / 2u;
  let left = ((plane * 4u + (row_in_plane % 2u) * 2u) * h + row_in_plane / 2u) * width + (at - row * width);
  var b = 0.0;
  if params.has_bias != 0u { b = bias[plane % params.c]; }
  let even = input[left] + b;
  let odd = input[left + h * width] + b;
  output[at * 2u] = vec4f(even.x, odd.x, even.y, odd.y);
  output[at * 2u + 1u] = vec4f(even.z, odd.z, even.w, odd.w);
}
