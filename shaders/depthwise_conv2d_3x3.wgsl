// Depthwise 3×3 convolution that keeps the size (stride 1, padding = dilation):
//   y[n,c,r,q] = act(bias[c] + scale[c] · Σ_{ky,kx} w[c,ky,kx] · x[n, c, r + (ky−1)·dilation, q + (kx−1)·dilation]).
// With flipped taps the same sums are depthwise_conv2d_grad_input.
// An invocation walks down a strip of rows of one quad of columns, `dilation` rows a step, and loads every row once: the row's
// products with the three rows of taps go into the sums of the output rows above, at and below it, of which two are unfinished.
// Launcher:  kernels/depthwise_conv2d/mod.rs   Reference: src/reference/depthwise_conv2d.rs
// Grid:      one invocation a (plane, strip, row modulo dilation, quad), quads fastest, 64 a workgroup, folded.
// Numerics:  f32; taps in order.
const SIDES = 1u; // see shared/beside4.wgsl
const ACTIVATION = 0u;
const MOMENTS = 0u; // see shared/moments_of_quads.wgsl
const SOURCE = 0u; // see shared/source.wgsl
const HALF = 0u; // see shared/operand.wgsl
struct Params { planes: u32, c: u32, height: u32, width: u32, dilation: u32, strip: u32, strips: u32, flip: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;        // [planes, height, width]
@group(0) @binding(1) var<storage, read> input_words: array<f32>;  // the same, one by one
@group(0) @binding(2) var<storage, read> weight: array<f32>;       // [c, 1, 3, 3]
@group(0) @binding(3) var<storage, read> bias: array<f32>;         // [c] where has_bias, or of the norm before
@group(0) @binding(4) var<storage, read> scale: array<f32>;        // [c] where has_scale, or of the norm before
@group(0) @binding(5) var<storage, read> stats: array<vec4f>;       // [c] of the norm before: (shift, mean - shift, invstd, unused)
@group(0) @binding(6) var<storage, read_write> output: array<Row>; // [planes, height, width]
@group(0) @binding(7) var<storage, read_write> moments: array<vec4f>; // [c, chunks] of (count, mean - shift, m2, shift), with MOMENTS
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/source.wgsl
//!include shared/moments_of_quads.wgsl
//!include shared/rows4.wgsl
//!include shared/store4.wgsl
//!include shared/beside4.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl

@compute @workgroup_size(64)
fn depthwise_conv2d_3x3(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let height = params.height; let width = params.width; let dilation = params.dilation;
  let quads = (width + 3u) / 4u;
  let phases = min(dilation, height);
  let task = flat_group(group, groups) * 64u + local;
  let quad = task % quads;
  let phase = (task / quads) % phases;
  let part = task / (quads * phases);
  let plane = part / params.strips;
  if plane >= params.planes { return; }
  let channel = plane % params.c;
  // Rows of the phase count from 0: row i of it is row phase + i·dilation of the plane.
  let first = i32((part % params.strips) * params.strip);
  let end = min(first + i32(params.strip), i32((height - phase + dilation - 1u) / dilation));
  source = source_of(channel, params.c >> 31u);
  var k: array<f32, 9>;
  for (var j = 0u; j < 9u; j++) { k[j] = operand(weight[channel * 9u + select(j, 8u - j, params.flip != 0u)]); }
  let b = select(0.0, bias[select(0u, channel, params.has_bias != 0u)], params.has_bias != 0u);
  let s = select(1.0, scale[select(0u, channel, params.has_scale != 0u)], params.has_scale != 0u);

  var above = vec4f(0.0); // the sum of row i − 1, which lacks only this row
  var here = vec4f(0.0);  // the sum of row i so far
  for (var i = first - 1; i <= end; i++) {
    let row = i32(phase) + i * i32(dilation);
    let inside = row >= 0 && row < i32(height);
    let at = (plane * height + select(0u, u32(row), inside)) * width;
    let v = sourced_quad(load_quad(at, quad, width), quad, width);
    let side = beside(at, quad, width, dilation, v);
    let x = operand4(select(vec4f(0.0), v, inside));
    let left = operand4(select(vec4f(0.0), side.left, inside));
    let right = operand4(select(vec4f(0.0), side.right, inside));
    if i > first {
      let result = activate(ACTIVATION, (above + k[6] * left + k[7] * x + k[8] * right) * s + b);
      count_quad(result, quad, width);
      store_quad((plane * height + u32(row) - dilation) * width, quad, width, result);
    }
    above = here + k[3] * left + k[4] * x + k[5] * right;
    here = k[0] * left + k[1] * x + k[2] * right;
  }
  let tasks = params.strips * phases * quads;
  store_moments((channel * (params.planes / params.c) + plane / params.c) * tasks + task % tasks);
}
