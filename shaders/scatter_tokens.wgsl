// Some tokens of every sample written over: output[n, index[n, i]] = source[n, i], or the same source for all; other tokens stay. A list
// names no token twice.
// Launcher:  kernels/gather_tokens.rs   Reference: src/reference/scatter_tokens.rs
// Grid:      64 elements of the tokens that are written a workgroup, folded past 65 535 groups.
// Numerics:  none.
struct Params { len: u32, tokens: u32, picked: u32, c: u32, is_one: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> source: array<f32>;        // [n, picked, c], or [c] where is_one
@group(0) @binding(1) var<storage, read> index: array<f32>;         // [n, picked], whole numbers
@group(0) @binding(2) var<storage, read_write> output: array<f32>;  // [n, tokens, c]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn scatter_tokens(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.len { return; }
  let row = i / params.c;
  let value = source[select(i, i % params.c, params.is_one != 0u)];
  output[(row / params.picked * params.tokens + u32(index[row])) * params.c + i % params.c] = value;
}
