// What normalises each plane of group normalisation: the statistics of its group and the weight and bias of its channel, so that planes
// are normalised as channels are by batch_norm.
// Launcher:  kernels/group_norm.rs   Reference: src/reference/group_norm.rs   PyTorch: torch.nn.functional.group_norm
// Grid:      one invocation a plane, 64 a workgroup, folded past 65 535 groups.
// Numerics:  none.
struct Params { planes: u32, c: u32, groups: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> of_groups: array<vec4f>;          // [n, groups] of (shift, mean - shift, invstd, unused)
@group(0) @binding(1) var<storage, read> weight: array<f32>;               // [c]
@group(0) @binding(2) var<storage, read> bias: array<f32>;                 // [c]
@group(0) @binding(3) var<storage, read_write> stats: array<vec4f>;        // [n, c], as of_groups
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;        // [n, c]
@group(0) @binding(5) var<storage, read_write> biases: array<f32>;         // [n, c]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn group_norm_stats(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let plane = flat_group(group, groups) * 64u + local;
  if plane >= params.planes { return; }
  stats[plane] = of_groups[plane / (params.c / params.groups)];
  weights[plane] = weight[plane % params.c];
  biases[plane] = bias[plane % params.c];
}
