// Rearranges space into channels: y[n, c·r² + i·r + j, h, w] = x[n, c, h·r + i, w·r + j].
// Launcher:  kernels/pixel_shuffle.rs   Reference: src/reference/pixel_shuffle.rs   PyTorch: torch.nn.functional.pixel_unshuffle
// Grid:      64 output elements a workgroup, folded past 65 535 groups.
// Numerics:  a copy.
struct Params { len: u32, h_out: u32, w_out: u32, factor: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;        // [n, c, h_out·factor, w_out·factor]
@group(0) @binding(1) var<storage, read_write> output: array<f32>; // [n, c·factor², h_out, w_out]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn pixel_unshuffle(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = flat_group(group, groups) * 64u + local;
  if at >= params.len { return; }
  let r = params.factor;
  let x = at % params.w_out;
  let y = (at / params.w_out) % params.h_out;
  let channel = at / (params.w_out * params.h_out);
  let row = channel / (r * r) * (params.h_out * r) + y * r + channel / r % r;
  output[at] = input[row * (params.w_out * r) + x * r + channel % r];
}
