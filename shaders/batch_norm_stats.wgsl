// Count, mean and sum of squared deviations of one chunk of every channel; mean as the distance from the channel's first element, so that
// data with a large offset lose nothing. Merged by batch_norm_stats_merge.
// Launcher:  kernels/batch_norm/mod.rs   Reference: src/reference/batch_norm.rs
// Grid:      one team of 8 or 64 invocations a (channel, chunk of `step` packs of every plane), chunk fastest, folded; `lanes` of a team
//            walk a plane while others walk other images.
// Numerics:  blocks of four merged pairwise (Chan), f32.
struct Params { n: u32, c: u32, plane: u32, step: u32, chunks: u32, lanes: u32, team: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Pack>;           // [n, c, plane]
@group(0) @binding(1) var<storage, read_write> partial: array<vec4f>;  // [c, chunks] of (count, mean - shift, m2, shift)
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/pinned.wgsl
//!include shared/moments.wgsl

@compute @workgroup_size(64)
fn batch_norm_stats(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  // Teams past the end repeat the last one and write nothing: all invocations must reach the barriers.
  let slot = flat_group(group, groups) * (64u / params.team) + local / params.team;
  let flat = min(slot, params.c * params.chunks - 1u);
  let member = local % params.team;
  let channel = flat / params.chunks;
  let begin = (flat % params.chunks) * params.step + member % params.lanes;
  let end = min((flat % params.chunks) * params.step + params.step, params.plane);
  let shift = first_of(input[channel * params.plane]);
  var count = 0.0;
  var mean = Pack(0.0);
  var m2 = Pack(0.0);
  for (var image = member / params.lanes; image < params.n; image += params.team / params.lanes) {
    let plane = (image * params.c + channel) * params.plane;
    var i = begin;
    for (; i + 3u * params.lanes < end; i += 4u * params.lanes) {
      let a = input[plane + i] - shift;
      let b = input[plane + i + params.lanes] - shift;
      let c = input[plane + i + 2u * params.lanes] - shift;
      let d = input[plane + i + 3u * params.lanes] - shift;
      let middle = 0.25 * ((a + b) + (c + d));
      let spread = ((a - middle) * (a - middle) + (b - middle) * (b - middle)) + ((c - middle) * (c - middle) + (d - middle) * (d - middle));
      let delta = middle - mean;
      let share = 4.0 / (count + 4.0);
      mean += delta * share;
      m2 += spread + delta * delta * (count * share);
      count += 4.0;
    }
    for (; i < end; i += params.lanes) {
      let delta = pinned(input[plane + i] - shift, params.c >> 31u) - mean;
      let share = 1.0 / (count + 1.0);
      mean += delta * share;
      m2 += delta * delta * (count * share);
      count += 1.0;
    }
  }
  let packs = f32(PACK);
  let middle = pack_sum(mean) / packs;
  let own = Moments(count * packs, middle, pack_sum(m2) + count * pack_sum((mean - middle) * (mean - middle)));
  let all = merged_by_team(local, params.team, own);
  if member == 0u && slot == flat { partial[flat] = vec4f(all.count, all.mean, all.m2, shift); }
}
