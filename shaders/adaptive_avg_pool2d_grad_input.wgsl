// Gradient of the mean of every plane: grad_input = grad_output / (h·w) in all of the plane.
// Launcher:  kernels/adaptive_avg_pool2d.rs   Reference: src/reference/adaptive_avg_pool2d.rs
// Grid:      one workgroup a plane, folded past 65 535 groups.
// Numerics:  one multiplication.
struct Params { planes: u32, plane: u32, inverse_count: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<f32>;         // [planes]
@group(0) @binding(1) var<storage, read_write> grad_input: array<Pack>;   // [planes, plane]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl

@compute @workgroup_size(64)
fn adaptive_avg_pool2d_grad_input(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let plane = flat_group(group, groups);
  if plane >= params.planes { return; }
  let value = Pack(grad_output[plane] * params.inverse_count);
  for (var i = local; i < params.plane; i += 64u) { grad_input[plane * params.plane + i] = value; }
}
