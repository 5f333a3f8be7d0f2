// Adam, in place: g = scale·gradient + decay·p; m += (1 − β1)(g − m); v = β2·v + (1 − β2)·g²; p −= rate · m / (√v / correction +
// eps); DECOUPLED: g = scale·gradient, and p *= decay first.
// Launcher:  kernels/optimizer.rs   Reference: src/reference/optimizers.rs
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  f32 in PyTorch's order; rate = lr / (1 − β1^t) and correction = √(1 − β2^t) come from the host in f64.
struct Params { packs: u32, rate: f32, correction: f32, one_minus_beta1: f32, beta2: f32, one_minus_beta2: f32, eps: f32, decay: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;              // [len]
@group(0) @binding(1) var<storage, read> scale: array<f32>;                   // [1], the clipping factor
@group(0) @binding(2) var<storage, read_write> parameter: array<vec4f>;       // [len]
@group(0) @binding(3) var<storage, read_write> first_moment: array<vec4f>;    // [len]
@group(0) @binding(4) var<storage, read_write> second_moment: array<vec4f>;   // [len]
//!include shared/flat.wgsl
// 1: AdamW, where the parameter itself decays and the gradient is as it came.
const DECOUPLED = 0u;

@compute @workgroup_size(64)
fn adam(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  var p = parameter[i];
  var g = gradient[i] * scale[0];
  if DECOUPLED == 1u { p *= params.decay; } else { g += params.decay * p; }
  let m = first_moment[i] + params.one_minus_beta1 * (g - first_moment[i]);
  let v = params.beta2 * second_moment[i] + params.one_minus_beta2 * g * g;
  first_moment[i] = m;
  second_moment[i] = v;
  parameter[i] = p - params.rate * (m / (sqrt(v) / params.correction + params.eps));
}
