// Gradient of group normalisation by its input: invstd·(weight·dz − mean(weight·dz) − x̂·mean(weight·dz·x̂)), means over the group, with
// x̂ = (x − mean)·invstd, z = x̂·weight + bias and dz = grad_output·f'(z), f by KIND (shared/activate.wgsl).
// Launcher:  kernels/group_norm.rs   Reference: src/reference/group_norm.rs
// Grid:      one workgroup a (64 / lanes planes, chunk of `step` packs), chunk fastest, folded; `lanes` invocations walk a plane.
// Numerics:  f32; the mean is subtracted in two parts, exact for data with a large offset.
const KIND = 0u;
struct Params { planes: u32, per_group: u32, plane: u32, step: u32, chunks: u32, lanes: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Pack>;               // [n, c, plane]
@group(0) @binding(1) var<storage, read> grad_output: array<Pack>;         // [n, c, plane]
@group(0) @binding(2) var<storage, read> stats: array<vec4f>;              // [n, c] of (shift, mean - shift, invstd, unused)
@group(0) @binding(3) var<storage, read> weights: array<f32>;              // [n, c]
@group(0) @binding(4) var<storage, read> biases: array<f32>;               // [n, c]
@group(0) @binding(5) var<storage, read> means: array<vec2f>;              // [n, groups] of (mean of weight·dz, mean of weight·dz·x̂)
@group(0) @binding(6) var<storage, read_write> grad_input: array<Pack>;    // [n, c, plane]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/nan.wgsl
//!include shared/pinned.wgsl
//!include shared/activate.wgsl

@compute @workgroup_size(64)
fn group_norm_grad_input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = flat_group(group, groups);
  let plane = (flat / params.chunks) * (64u / params.lanes) + local / params.lanes;
  if plane >= params.planes { return; }
  let s = stats[plane];
  let gain = weights[plane];
  let offset = biases[plane];
  let mean = means[plane / params.per_group];
  let begin = (flat % params.chunks) * params.step;
  let end = plane * params.plane + min(begin + params.step, params.plane);
  for (var i = plane * params.plane + begin + local % params.lanes; i < end; i += params.lanes) {
    let standard = (pinned(input[i] - s.x, params.planes >> 31u) - s.y) * s.z;
    let dz = grad_output[i] * activate_derivative(KIND, standard * gain + offset);
    grad_input[i] = s.z * (gain * dz - mean.x - standard * mean.y);
  }
}
