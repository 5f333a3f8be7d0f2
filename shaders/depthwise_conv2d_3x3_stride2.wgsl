// Depthwise 3×3 convolution that halves the size (stride 2, padding 1, dilation 1):
//   y[n,c,r,q] = act(bias[c] + scale[c] · Σ_{ky,kx} w[c,ky,kx] · x[n, c, 2r + ky − 1, 2q + kx − 1]).
// An invocation walks down a strip of output rows of one quad of columns and loads every input row once: an odd row's products go
// into the sums of the output rows above and below it.
// Launcher:  kernels/depthwise_conv2d/mod.rs   Reference: src/reference/depthwise_conv2d.rs
// Grid:      one invocation a (plane, strip, output quad), quads fastest, 64 a workgroup, folded.
// Numerics:  f32; taps in order.
const ACTIVATION = 0u;
const MOMENTS = 0u; // see shared/moments_of_quads.wgsl
const SOURCE = 0u; // see shared/source.wgsl
const HALF = 0u; // see shared/operand.wgsl
struct Params { planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, strip: u32, strips: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;        // [planes, h_in, w_in]
@group(0) @binding(1) var<storage, read> input_words: array<f32>;  // the same, one by one
@group(0) @binding(2) var<storage, read> weight: array<f32>;       // [c, 1, 3, 3]
@group(0) @binding(3) var<storage, read> bias: array<f32>;         // [c] where has_bias, or of the norm before
@group(0) @binding(4) var<storage, read> scale: array<f32>;        // [c] where has_scale, or of the norm before
@group(0) @binding(5) var<storage, read> stats: array<vec4f>;       // [c] of the norm before: (shift, mean - shift, invstd, unused)
@group(0) @binding(6) var<storage, read_write> output: array<Row>; // [planes, h_out, w_out]
@group(0) @binding(7) var<storage, read_write> moments: array<vec4f>; // [c, chunks] of (count, mean - shift, m2, shift), with MOMENTS
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/source.wgsl
//!include shared/moments_of_quads.wgsl
//!include shared/rows4.wgsl
//!include shared/store4.wgsl
//!include shared/columns2.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl

@compute @workgroup_size(64)
fn depthwise_conv2d_3x3_stride2(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let quads = (params.w_out + 3u) / 4u;
  let task = flat_group(group, groups) * 64u + local;
  let quad = task % quads;
  let part = task / quads;
  let plane = part / params.strips;
  if plane >= params.planes { return; }
  let channel = plane % params.c;
  let first = (part % params.strips) * params.strip;
  let end = min(first + params.strip, params.h_out);
  source = source_of(channel, params.c >> 31u);
  var k: array<f32, 9>;
  for (var j = 0u; j < 9u; j++) { k[j] = operand(weight[channel * 9u + j]); }
  let b = select(0.0, bias[select(0u, channel, params.has_bias != 0u)], params.has_bias != 0u);
  let s = select(1.0, scale[select(0u, channel, params.has_scale != 0u)], params.has_scale != 0u);

  let before = columns(plane, 2 * i32(first) - 1, quad, params.h_in, params.w_in);
  var above = k[0] * before.left + k[1] * before.here + k[2] * before.right;
  for (var row = first; row < end; row++) {
    let even = columns(plane, 2 * i32(row), quad, params.h_in, params.w_in);
    let odd = columns(plane, 2 * i32(row) + 1, quad, params.h_in, params.w_in);
    let sum = above + k[3] * even.left + k[4] * even.here + k[5] * even.right + k[6] * odd.left + k[7] * odd.here + k[8] * odd.right;
    let result = activate(ACTIVATION, sum * s + b);
    count_quad(result, quad, params.w_out);
    store_quad((plane * params.h_out + row) * params.w_out, quad, params.w_out, result);
    above = k[0] * odd.left + k[1] * odd.here + k[2] * odd.right;
  }
  let tasks = params.strips * quads;
  store_moments((channel * (params.planes / params.c) + plane / params.c) * tasks + task % tasks);
}
