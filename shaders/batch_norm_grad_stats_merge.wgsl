// Adds the chunks of batch_norm_grad_stats, channel by channel.
// Launcher:  kernels/batch_norm/mod.rs   Reference: src/reference/batch_norm.rs
// Grid:      one invocation a channel, 64 a workgroup.
// Numerics:  f32 in a fixed order.
struct Params { c: u32, chunks: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> partial_weight: array<f32>;        // [c, chunks]
@group(0) @binding(1) var<storage, read> partial_bias: array<f32>;          // [c, chunks]
@group(0) @binding(2) var<storage, read_write> grad_weight: array<f32>;     // [c]
@group(0) @binding(3) var<storage, read_write> grad_bias: array<f32>;       // [c]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn batch_norm_grad_stats_merge(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = flat_group(group, groups) * 64u + local;
  if channel >= params.c { return; }
  var all = vec2f(0.0);
  for (var i = channel * params.chunks; i < (channel + 1u) * params.chunks; i += 1u) { all += vec2f(partial_weight[i], partial_bias[i]); }
  grad_weight[channel] = all.x;
  grad_bias[channel] = all.y;
}
