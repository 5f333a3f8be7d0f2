// Gradients of weight and bias of layer normalisation over one span of the rows: ∂L/∂weight = Σ ∂L/∂y·x̂, ∂L/∂bias = Σ ∂L/∂y, with
// x̂ = (x − mean)·invstd. The spans are added in order by sum_partials.
// Launcher:  kernels/layer_norm.rs   Reference: src/reference/layer_norm.rs
// Grid:      one invocation a (span, channel), 64 a workgroup, channel fastest, folded past 65 535 groups.
// Numerics:  f32; rows of a span in order.
struct Params { rows: u32, c: u32, span: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;             // [rows, c]
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;       // [rows, c]
@group(0) @binding(2) var<storage, read> stats: array<vec2f>;           // [rows] of (mean − first element, invstd)
@group(0) @binding(3) var<storage, read_write> grad_weight: array<f32>; // [spans, c]
@group(0) @binding(4) var<storage, read_write> grad_bias: array<f32>;   // [spans, c]
//!include shared/flat.wgsl
//!include shared/pack1.wgsl
//!include shared/pinned.wgsl

@compute @workgroup_size(64)
fn layer_norm_grad_weight(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = flat_group(group, groups) * 64u + local;
  let span = flat / params.c;
  let channel = flat % params.c;
  if span * params.span >= params.rows { return; }
  var product = 0.0;
  var sum = 0.0;
  for (var row = span * params.span; row < min((span + 1u) * params.span, params.rows); row++) {
    let first = row * params.c;
    let standard = (pinned(input[first + channel] - input[first], params.rows >> 31u) - stats[row].x) * stats[row].y;
    let dy = grad_output[first + channel];
    product += dy * standard;
    sum += dy;
  }
  grad_weight[flat] = product;
  grad_bias[flat] = sum;
}
