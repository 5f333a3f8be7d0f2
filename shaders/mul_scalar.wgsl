// A tensor times a number: y = factor · x.
// Launcher:  kernels/mul_scalar.rs   Reference: src/reference/mul_scalar.rs
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  one f32 multiplication an element.
struct Params { packs: u32, factor: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;        // [len]
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>; // [len]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn mul_scalar(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  output[i] = params.factor * input[i];
}
