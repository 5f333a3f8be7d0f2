// pixel_unshuffle by 2 where output rows are whole packs of four: of one input row a row of two neighbouring channels,
//   y[n, 4c + 2i + j, h, w] = x[n, c, 2h + i, 2w + j].
// Launcher:  kernels/pixel_shuffle.rs   Reference: src/reference/pixel_shuffle.rs   PyTorch: torch.nn.functional.pixel_unshuffle
// Grid:      two packs of an input row an invocation, which give one pack of each channel; 64 a workgroup, folded.
// Numerics:  a copy.
struct Params { len: u32, h_out: u32, w_out: u32, factor: u32 } // len and w_out in packs
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;        // [n, c, h_out·2, w_out·2]
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>; // [n, c·4, h_out, w_out]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn pixel_unshuffle_2x(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = flat_group(group, groups) * 64u + local;
  if at >= params.len { return; }
  let width = params.w_out;
  let row = at / width; // over all planes of the input
  let h = params.h_out;
  let plane = row / (h * 2u);
  let row_in_plane = row - plane * h * 2u;
  let left = ((plane * 4u + (row_in_plane % 2u) * 2u) * h + row_in_plane / 2u) * width + (at - row * width);
  let a = input[at * 2u];
  let b = input[at * 2u + 1u];
  output[left] = vec4f(a.x, a.z, b.x, b.z);
  output[left + h * width] = vec4f(a.y, a.w, b.y, b.w);
}
