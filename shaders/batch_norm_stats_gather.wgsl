// Merges very many parts of every channel's count, mean and sum of squared deviations, which a convolution left, into one for
// batch_norm_stats_merge.
// Launcher:  kernels/batch_norm/moments.rs   Reference: src/reference/batch_norm.rs
// Grid:      one workgroup of 64 a channel, folded past 65 535 groups.
// Numerics:  every 64th part in order, then two levels of eight (Chan), f32.
struct Params { c: u32, chunks: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> partial: array<vec4f>;       // [c, chunks] of (count, mean - shift, m2, shift)
@group(0) @binding(1) var<storage, read_write> merged_parts: array<vec4f>; // [c] of the same
//!include shared/flat.wgsl
//!include shared/moments.wgsl
//!include shared/pinned.wgsl
alias Pack = f32;
alias Bits = u32;

@compute @workgroup_size(64)
fn batch_norm_stats_gather(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = flat_group(group, groups);
  if channel >= params.c { return; }
  let shift = partial[channel * params.chunks].w;
  var own = Moments(0.0, 0.0, 0.0);
  for (var chunk = local; chunk < params.chunks; chunk += 64u) {
    let part = partial[channel * params.chunks + chunk];
    // Strips past the end of a short phase have no values.
    if part.x > 0.0 { own = merged(own, Moments(part.x, part.y + pinned(part.w - shift, params.c >> 31u), part.z)); }
  }
  let all = merged_by_team(local, 64u, own);
  if local == 0u { merged_parts[channel] = vec4f(all.count, all.mean, all.m2, shift); }
}
