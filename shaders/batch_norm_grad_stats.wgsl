// Gradients of bias and weight: grad_bias = Σ dz, grad_weight = Σ dz·x̂ over one chunk of every channel, where x̂ = (x - mean)·invstd,
// z = x̂·weight + bias and dz = grad_output·f'(z), f by KIND. With one chunk they are the result, else batch_norm_grad_stats_merge adds
// them.
// Launcher:  kernels/batch_norm/mod.rs   Reference: src/reference/batch_norm.rs
// Grid:      one team of 8 or 64 invocations a (channel, chunk of `step` packs of every plane), chunk fastest, folded; `lanes` of a team
//            walk a plane while others walk other images.
// Numerics:  f32 sums of at most a few hundred terms an invocation, then two levels of eight.
const KIND = 0u;
const PACKED = 0u; // see shared/numbers.wgsl
struct Params { n: u32, c: u32, plane: u32, step: u32, chunks: u32, lanes: u32, team: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Kept>;                 // [n, c, plane]
@group(0) @binding(1) var<storage, read> grad_output: array<Pack>;           // [n, c, plane]
@group(0) @binding(2) var<storage, read> stats: array<vec4f>;                // [c] of (shift, mean - shift, invstd, unused)
@group(0) @binding(3) var<storage, read> weight: array<f32>;                 // [c]
@group(0) @binding(4) var<storage, read> bias: array<f32>;                   // [c]
@group(0) @binding(5) var<storage, read_write> grad_weight: array<f32>;      // [c, chunks]
@group(0) @binding(6) var<storage, read_write> grad_bias: array<f32>;        // [c, chunks]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/kept4.wgsl
//!include shared/numbers.wgsl
//!include shared/nan.wgsl
//!include shared/pinned.wgsl
//!include shared/activate.wgsl
//!include shared/sum2.wgsl

@compute @workgroup_size(64)
fn batch_norm_grad_stats(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  // Teams past the end repeat the last one and write nothing: all invocations must reach the barriers.
  let slot = flat_group(group, groups) * (64u / params.team) + local / params.team;
  let flat = min(slot, params.c * params.chunks - 1u);
  let member = local % params.team;
  let channel = flat / params.chunks;
  let begin = (flat % params.chunks) * params.step;
  let end = min(begin + params.step, params.plane);
  let s = stats[channel];
  let gain = weight[channel];
  let offset = bias[channel];
  var sum = Pack(0.0);
  var product = Pack(0.0);
  for (var image = member / params.lanes; image < params.n; image += params.team / params.lanes) {
    let plane = (image * params.c + channel) * params.plane;
    for (var i = plane + begin + member % params.lanes; i < plane + end; i += params.lanes) {
      let standard = (pinned(kept(i) - s.x, params.c >> 31u) - s.y) * s.z;
      let dz = grad_output[i] * activate_derivative(KIND, standard * gain + offset);
      sum += dz;
      product += dz * standard;
    }
  }
  let all = summed_by_team(local, params.team, vec2f(pack_sum(product), pack_sum(sum)));
  if member == 0u && slot == flat {
    grad_weight[flat] = all.x;
    grad_bias[flat] = all.y;
  }
}
