// Moves running statistics towards those of a batch: running = (1 - momentum)·running + momentum·batch.
// Launcher:  kernels/batch_norm/running.rs   Reference: src/reference/batch_norm.rs
// Grid:      one invocation a channel, 64 a workgroup.
// Numerics:  f32.
struct Params { c: u32, momentum: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> batch_mean: array<f32>;          // [c]
@group(0) @binding(1) var<storage, read> batch_var: array<f32>;           // [c], unbiased
@group(0) @binding(2) var<storage, read_write> running_mean: array<f32>;  // [c]
@group(0) @binding(3) var<storage, read_write> running_var: array<f32>;   // [c]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn batch_norm_running(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = flat_group(group, groups) * 64u + local;
  if channel >= params.c { return; }
  let keep = 1.0 - params.momentum;
  running_mean[channel] = keep * running_mean[channel] + params.momentum * batch_mean[channel];
  running_var[channel] = keep * running_var[channel] + params.momentum * batch_var[channel];
}
