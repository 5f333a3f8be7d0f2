// Means over each group that its gradient needs: of weight·dz and of weight·dz·x̂, from the sums of dz·x̂ and of dz over each plane.
// Launcher:  kernels/group_norm.rs   Reference: src/reference/group_norm.rs
// Grid:      one invocation a group of an image, 64 a workgroup, folded past 65 535 groups.
// Numerics:  f32; channels of a group in order.
struct Params { all: u32, planes: u32, inverse_count: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> products: array<f32>;       // [all, planes], Σ dz·x̂
@group(0) @binding(1) var<storage, read> sums: array<f32>;           // [all, planes], Σ dz
@group(0) @binding(2) var<storage, read> weights: array<f32>;        // [all, planes]
@group(0) @binding(3) var<storage, read_write> means: array<vec2f>;  // [all] of (mean of weight·dz, mean of weight·dz·x̂)
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn group_norm_grad_stats(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let own = flat_group(group, groups) * 64u + local;
  if own >= params.all { return; }
  var all = vec2f(0.0);
  for (var plane = own * params.planes; plane < (own + 1u) * params.planes; plane++) {
    all += weights[plane] * vec2f(sums[plane], products[plane]);
  }
  means[own] = all * params.inverse_count;
}
