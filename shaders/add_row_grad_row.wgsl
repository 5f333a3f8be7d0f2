// Gradient of an array that was added to every image: grad_row = Σ over the images of grad_output.
// Launcher:  kernels/add_row.rs   Reference: src/reference/add_row.rs
// Grid:      one invocation an element of the array, 64 a workgroup, folded past 65 535 groups.
// Numerics:  f32 sums, image after image.
struct Params { images: u32, rows: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<f32>;     // [images, rows]
@group(0) @binding(1) var<storage, read_write> grad_row: array<f32>;  // [rows]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn add_row_grad_row(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.rows { return; }
  var sum = 0.0;
  for (var image = 0u; image < params.images; image++) { sum += grad_output[image * params.rows + i]; }
  grad_row[i] = sum;
}
