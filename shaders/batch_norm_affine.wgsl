// Batch norm of evaluation as one factor and one summand a channel, for the epilogue of the convolution before it:
//   scale[c] = weight[c] / sqrt(running_var[c] + eps), shift[c] = bias[c] - running_mean[c] * scale[c].
// Launcher:  kernels/batch_norm/affine.rs   Reference: src/reference/batch_norm.rs
// Grid:      one invocation a channel, 64 a workgroup.
// Numerics:  f32.
struct Params { c: u32, eps: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> running_mean: array<f32>; // [c]
@group(0) @binding(1) var<storage, read> running_var: array<f32>;  // [c]
@group(0) @binding(2) var<storage, read> weight: array<f32>;       // [c]
@group(0) @binding(3) var<storage, read> bias: array<f32>;         // [c]
@group(0) @binding(4) var<storage, read_write> scale: array<f32>;  // [c]
@group(0) @binding(5) var<storage, read_write> shift: array<f32>;  // [c]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn batch_norm_affine(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = flat_group(group, groups) * 64u + local;
  if channel >= params.c { return; }
  let factor = weight[channel] / sqrt(running_var[channel] + params.eps);
  scale[channel] = factor;
  shift[channel] = bias[channel] - running_mean[channel] * factor;
}
