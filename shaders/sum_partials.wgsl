// Sum of partial results in order: y[i] = Σ_p x[p,i].
// Launcher:  kernels/sum_partials.rs   Reference: the sums of the ops that use it (conv2d_grad_weight)
// Grid:      64 elements a workgroup, folded past 65 535 groups.
// Numerics:  f32, parts in order.
struct Params { parts: u32, len: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> partials: array<f32>;     // [parts, len]
@group(0) @binding(1) var<storage, read_write> output: array<f32>; // [len]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn sum_partials(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.len { return; }
  var sum = 0.0;
  for (var p = 0u; p < params.parts; p++) { sum += partials[p * params.len + i]; }
  output[i] = sum;
}
