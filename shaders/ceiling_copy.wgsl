// Copies a buffer larger than the caches: the rate at which kernels can move memory here, the ceiling of those that hardly compute.
// Launcher:  bench/ceilings.rs   Reference: src/bench/ceilings.rs, where every sampled element is that of the input
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  exact.
struct Params { packs: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;         // [len]
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;  // [len]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn ceiling_copy(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  output[i] = input[i];
}
