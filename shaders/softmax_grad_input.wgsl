// Gradient of softmax along one axis: ∂L/∂x[k] = y[k] · (∂L/∂y[k] − Σ ∂L/∂y[j] · y[j]).
// Launcher:  kernels/softmax.rs   Reference: src/reference/softmax.rs
// Grid:      one invocation a line along the axis, 64 a workgroup, neighbours behind the axis side by side, folded past 65 535 groups.
// Numerics:  f32; terms in order.
struct Params { outer: u32, len: u32, inner: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> output: array<f32>;           // [outer, len, inner]
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;      // [outer, len, inner]
@group(0) @binding(2) var<storage, read_write> grad_input: array<f32>; // [outer, len, inner]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn softmax_grad_input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = flat_group(group, groups) * 64u + local;
  if flat >= params.outer * params.inner { return; }
  let first = flat / params.inner * params.len * params.inner + flat % params.inner;
  let end = first + params.len * params.inner;
  var sum = 0.0;
  for (var i = first; i < end; i += params.inner) { sum += grad_output[i] * output[i]; }
  for (var i = first; i < end; i += params.inner) { grad_input[i] = output[i] * (grad_output[i] - sum); }
}
