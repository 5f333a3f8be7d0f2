// Merges the chunks of every channel: what normalises the batch, and its mean and unbiased variance for batch_norm_running.
// Launcher:  kernels/batch_norm/mod.rs   Reference: src/reference/batch_norm.rs
// Grid:      one invocation a channel, 64 a workgroup.
// Numerics:  Chan's merge in a fixed order; invstd = 1/sqrt(biased variance + eps).
struct Params { c: u32, chunks: u32, eps: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> partial: array<vec4f>;            // [c, chunks] of (count, mean - shift, m2, shift)
@group(0) @binding(1) var<storage, read_write> batch_mean: array<f32>;     // [c]
@group(0) @binding(2) var<storage, read_write> batch_var: array<f32>;      // [c], unbiased
@group(0) @binding(3) var<storage, read_write> stats: array<vec4f>;        // [c] of (shift, mean - shift, invstd, unused)
//!include shared/flat.wgsl
//!include shared/moments.wgsl
//!include shared/pinned.wgsl
alias Pack = f32;
alias Bits = u32;

@compute @workgroup_size(64)
fn batch_norm_stats_merge(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = flat_group(group, groups) * 64u + local;
  if channel >= params.c { return; }
  let shift = partial[channel * params.chunks].w;
  var all = Moments(0.0, 0.0, 0.0);
  for (var chunk = 0u; chunk < params.chunks; chunk += 1u) {
    let part = partial[channel * params.chunks + chunk];
    // Runs of images have shifts of their own; the difference is exactly 0 within one.
    all = merged(all, Moments(part.x, part.y + pinned(part.w - shift, params.c >> 31u), part.z));
  }
  stats[channel] = vec4f(shift, all.mean, 1.0 / sqrt(all.m2 / all.count + params.eps), 0.0);
  batch_mean[channel] = shift + all.mean;
  batch_var[channel] = all.m2 / (all.count - 1.0);
}
