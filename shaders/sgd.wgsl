// SGD, in place: g = scale·gradient + weight_decay·p; b = momentum·b + g; p −= lr·b. Without momentum b = g and no buffer is kept.
// Launcher:  kernels/optimizer.rs   Reference: src/reference/optimizers.rs
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  f32 in PyTorch's order.
struct Params { packs: u32, learning_rate: f32, momentum: f32, weight_decay: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;          // [len]
@group(0) @binding(1) var<storage, read> scale: array<f32>;               // [1], the clipping factor
@group(0) @binding(2) var<storage, read_write> parameter: array<vec4f>;   // [len]
@group(0) @binding(3) var<storage, read_write> velocity: array<vec4f>;    // [len], unused without momentum
//!include shared/flat.wgsl
// 1: velocity is kept.
const MOMENTUM = 0u;

@compute @workgroup_size(64)
fn sgd(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  let p = parameter[i];
  var b = gradient[i] * scale[0] + params.weight_decay * p;
  if MOMENTUM == 1u {
    b = params.momentum * velocity[i] + b;
    velocity[i] = b;
  }
  parameter[i] = p - params.learning_rate * b;
}
