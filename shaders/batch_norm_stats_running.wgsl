// Statistics of evaluation mode from the running ones.
// Launcher:  kernels/batch_norm/mod.rs   Reference: src/reference/batch_norm.rs
// Grid:      one invocation a channel, 64 a workgroup.
// Numerics:  invstd = 1/sqrt(running_var + eps).
struct Params { c: u32, eps: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> running_mean: array<f32>;   // [c]
@group(0) @binding(1) var<storage, read> running_var: array<f32>;    // [c]
@group(0) @binding(2) var<storage, read_write> stats: array<vec4f>;  // [c] of (shift, mean - shift, invstd, unused)
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn batch_norm_stats_running(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = flat_group(group, groups) * 64u + local;
  if channel >= params.c { return; }
  stats[channel] = vec4f(running_mean[channel], 0.0, 1.0 / sqrt(running_var[channel] + params.eps), 0.0);
}
