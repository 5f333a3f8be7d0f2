// Sums of a convolution from those of parts of its channels, and what follows them: y[n,c,p] = act(scale[c] · Σ_k x[k,n,c,p] + bias[c]).
// Launcher:  kernels/conv2d/split.rs   Reference: src/reference/conv2d.rs
// Grid:      64 elements a workgroup, folded past 65 535 groups.
// Numerics:  f32, parts in order.
const ACTIVATION = 0u;
struct Params { parts: u32, len: u32, c: u32, pixels: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> partials: array<f32>;     // [parts, n, c, pixels]
@group(0) @binding(1) var<storage, read> bias: array<f32>;         // [c] where has_bias
@group(0) @binding(2) var<storage, read> scale: array<f32>;        // [c] where has_scale
@group(0) @binding(3) var<storage, read_write> output: array<f32>; // [n, c, pixels]
//!include shared/flat.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl
//!include shared/pack1.wgsl

@compute @workgroup_size(64)
fn conv2d_sum(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.len { return; }
  let channel = i / params.pixels % params.c;
  var sum = 0.0;
  for (var part = 0u; part < params.parts; part++) { sum += partials[part * params.len + i]; }
  let b = select(0.0, bias[channel], params.has_bias != 0u);
  let s = select(1.0, scale[channel], params.has_scale != 0u);
  output[i] = activate(ACTIVATION, sum * s + b);
}
