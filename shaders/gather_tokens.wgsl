// Some tokens of every sample, in the order of their list: output[n, i] = input[n, index[n, i]].
// Launcher:  kernels/gather_tokens.rs   Reference: src/reference/gather_tokens.rs   PyTorch: torch.take_along_dim
// Grid:      64 elements of the output a workgroup, folded past 65 535 groups.
// Numerics:  none.
struct Params { len: u32, tokens: u32, picked: u32, c: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;         // [n, tokens, c]
@group(0) @binding(1) var<storage, read> index: array<f32>;         // [n, picked], whole numbers
@group(0) @binding(2) var<storage, read_write> output: array<f32>;  // [n, picked, c]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn gather_tokens(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.len { return; }
  let row = i / params.c;
  output[i] = input[(row / params.picked * params.tokens + u32(index[row])) * params.c + i % params.c];
}
