// Every plane times a number of its own: output = input · row, as squeeze-excitation scales channels.
// Launcher:  kernels/mul_row.rs   Reference: src/reference/mul_row.rs
// Grid:      64 elements a workgroup, folded past 65 535 groups.
// Numerics:  one f32 multiplication an element.
struct Params { len: u32, plane: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;         // [planes, plane]
@group(0) @binding(1) var<storage, read> row: array<f32>;           // [planes]
@group(0) @binding(2) var<storage, read_write> output: array<f32>;  // [planes, plane]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn mul_row(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.len { return; }
  output[i] = input[i] * row[i / params.plane];
}
