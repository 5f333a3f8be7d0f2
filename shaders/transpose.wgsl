// Rows and columns exchanged in every image, whole runs of elements at a time: output[c, r] = input[r, c].
// Launcher:  kernels/transpose.rs   Reference: src/reference/transpose.rs
// Grid:      64 elements of the output a workgroup, folded past 65 535 groups.
// Numerics:  none.
struct Params { len: u32, rows: u32, cols: u32, run: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;         // [images, rows, cols, run]
@group(0) @binding(1) var<storage, read_write> output: array<f32>;  // [images, cols, rows, run]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn transpose(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.len { return; }
  let within = i % params.run;
  let cell = i / params.run;
  let row = cell % params.rows;
  let col = (cell / params.rows) % params.cols;
  let image = cell / (params.rows * params.cols);
  output[i] = input[((image * params.rows + row) * params.cols + col) * params.run + within];
}
