// A gradient times the clipping factor: output = scale · gradient.
// Launcher:  kernels/clip_grad_norm.rs   Reference: src/reference/gradient_clipping.rs
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  one f32 product an element.
struct Params { packs: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;       // [len]
@group(0) @binding(1) var<storage, read> scale: array<f32>;            // [1]
@group(0) @binding(2) var<storage, read_write> output: array<vec4f>;   // [len]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn clip_grad_norm_scale(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  output[i] = gradient[i] * scale[0];
}
