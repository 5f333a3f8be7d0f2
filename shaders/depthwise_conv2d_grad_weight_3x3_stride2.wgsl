// Weight gradient of the depthwise 3×3 convolution that halves the size (stride 2, padding 1, dilation 1):
//   dw[c,ky,kx] = Σ_{n,r,q} dy[n,c,r,q] · x[n, c, 2r + ky − 1, 2q + kx − 1].
// An invocation walks down strips of rows of quads of columns of dy and loads every row of x and of dy once.
// Launcher:  kernels/depthwise_conv2d/grad_weight.rs   Reference: src/reference/depthwise_conv2d.rs
// Grid:      one channel of one span of (image, strip, quad of dy) a workgroup of GROUP, folded.
// Numerics:  f32; sums of every GROUP-th task, added as a tree, then spans in order (sum_partials).
const GROUP = 64u;
const SOURCE = 0u; // see shared/source.wgsl
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, strip: u32, strips: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;          // [n, c, h_in, w_in]
@group(0) @binding(1) var<storage, read> input_words: array<f32>;    // the same, one by one
@group(0) @binding(2) var<storage, read> grad_output: array<Row>;    // [n, c, h_out, w_out]
@group(0) @binding(3) var<storage, read> bias: array<f32>;           // [c] of the norm before
@group(0) @binding(4) var<storage, read> scale: array<f32>;          // [c] of the norm before
@group(0) @binding(5) var<storage, read> stats: array<vec4f>;        // [c] of the norm before: (shift, mean - shift, invstd, unused)
@group(0) @binding(6) var<storage, read_write> partials: array<f32>; // [spans, c, 3, 3]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/nan.wgsl
//!include shared/source.wgsl
//!include shared/pair4.wgsl
//!include shared/columns2.wgsl
//!include shared/sum9.wgsl

fn load_quad(row: u32, quad: u32, width: u32) -> vec4f { return load_input(row, quad, width); }

@compute @workgroup_size(GROUP)
fn depthwise_conv2d_grad_weight_3x3_stride2(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let quads = (params.w_out + 3u) / 4u;
  let flat = flat_group(group, groups);
  let channel = flat % params.c;
  let span = flat / params.c;
  if span >= params.spans { return; }
  let total = params.n * params.strips * quads;
  let length = (total + params.spans - 1u) / params.spans;

  source = source_of(channel, params.c >> 31u);
  var acc: array<vec4f, 9>;
  for (var task = span * length + local; task < min((span + 1u) * length, total); task += GROUP) {
    let quad = task % quads;
    let part = task / quads;
    let plane = (part / params.strips) * params.c + channel;
    let first = (part % params.strips) * params.strip;
    let end = min(first + params.strip, params.h_out);
    var above = columns(plane, 2 * i32(first) - 1, quad, params.h_in, params.w_in);
    for (var row = first; row < end; row++) {
      let g = operand4(load_grad_output((plane * params.h_out + row) * params.w_out, quad, params.w_out));
      let even = columns(plane, 2 * i32(row), quad, params.h_in, params.w_in);
      let odd = columns(plane, 2 * i32(row) + 1, quad, params.h_in, params.w_in);
      acc[0] += g * above.left;
      acc[1] += g * above.here;
      acc[2] += g * above.right;
      acc[3] += g * even.left;
      acc[4] += g * even.here;
      acc[5] += g * even.right;
      acc[6] += g * odd.left;
      acc[7] += g * odd.here;
      acc[8] += g * odd.right;
      above = odd;
    }
  }
  for (var j = 0u; j < 9u; j++) { sums[j * GROUP + local] = dot(acc[j], vec4f(1.0)); }
  sum9(local);
  if local == 0u {
    for (var j = 0u; j < 9u; j++) { partials[flat * 9u + j] = sums[j * GROUP]; }
  }
}
