// Maps of tokens cut into square windows, after they were rolled up and to the left by `shift`.
// Launcher:  kernels/window_partition.rs   Reference: src/reference/window_partition.rs
// Grid:      64 packs of the output a workgroup, folded past 65 535 groups.
// Numerics:  none.
struct Params { len: u32, h: u32, w: u32, c: u32, window: u32, shift: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Pack>;         // [n, h, w, c]
@group(0) @binding(1) var<storage, read_write> output: array<Pack>;  // [n·windows, window², c]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/windows.wgsl

@compute @workgroup_size(64)
fn window_partition(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.len { return; }
  output[i] = input[place_in_map(i)];
}
