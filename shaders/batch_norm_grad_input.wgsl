// Gradient of batch normalisation by its input: weight·invstd·(dz - (grad_bias + x̂·grad_weight)/count), with x̂, z and dz as in
// batch_norm_grad_stats; evaluation mode has constant statistics, so inverse_count is 0 there.
// Launcher:  kernels/batch_norm/mod.rs   Reference: src/reference/batch_norm.rs
// Grid:      one workgroup a (64 / lanes planes, chunk of `step` packs), chunk fastest, folded; `lanes` invocations walk a plane.
// Numerics:  f32; grad_bias and grad_weight are sums of two levels.
const KIND = 0u;
const PACKED = 0u; // see shared/numbers.wgsl
struct Params { planes: u32, c: u32, plane: u32, step: u32, chunks: u32, lanes: u32, inverse_count: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Kept>;               // [n, c, plane]
@group(0) @binding(1) var<storage, read> grad_output: array<Pack>;         // [n, c, plane]
@group(0) @binding(2) var<storage, read> stats: array<vec4f>;              // [c] of (shift, mean - shift, invstd, unused)
@group(0) @binding(3) var<storage, read> weight: array<f32>;               // [c]
@group(0) @binding(4) var<storage, read> bias: array<f32>;                 // [c]
@group(0) @binding(5) var<storage, read> grad_weight: array<f32>;          // [c]
@group(0) @binding(6) var<storage, read> grad_bias: array<f32>;            // [c]
@group(0) @binding(7) var<storage, read_write> grad_input: array<Pack>;    // [n, c, plane]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/kept4.wgsl
//!include shared/numbers.wgsl
//!include shared/nan.wgsl
//!include shared/pinned.wgsl
//!include shared/activate.wgsl

@compute @workgroup_size(64)
fn batch_norm_grad_input(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let flat = flat_group(group, groups);
  let plane = (flat / params.chunks) * (64u / params.lanes) + local / params.lanes;
  if plane >= params.planes { return; }
  let channel = plane % params.c;
  let s = stats[channel];
  let gain = weight[channel];
  let offset = bias[channel];
  let mean_dz = grad_bias[channel] * params.inverse_count;
  let slope = grad_weight[channel] * params.inverse_count;
  let begin = (flat % params.chunks) * params.step;
  let end = plane * params.plane + min(begin + params.step, params.plane);
  for (var i = plane * params.plane + begin + local % params.lanes; i < end; i += params.lanes) {
    let standard = (pinned(kept(i) - s.x, params.c >> 31u) - s.y) * s.z;
    let dz = grad_output[i] * activate_derivative(KIND, standard * gain + offset);
    grad_input[i] = gain * s.z * (dz - mean_dz - standard * slope);
  }
}
