// Weight gradient of the depthwise 3×3 convolution that keeps the size (stride 1, padding = dilation):
//   dw[c,ky,kx] = Σ_{n,r,q} dy[n,c,r,q] · x[n, c, r + (ky−1)·dilation, q + (kx−1)·dilation].
// An invocation walks down strips of rows of quads of columns, `dilation` rows a step, and loads every row of x and of dy once: a row of
// x meets the rows of dy below, at and above it.
// Launcher:  kernels/depthwise_conv2d/grad_weight.rs   Reference: src/reference/depthwise_conv2d.rs
// Grid:      one channel of one span of (image, strip, row modulo dilation, quad) a workgroup of GROUP, folded.
// Numerics:  f32; sums of every GROUP-th task, added as a tree, then spans in order (sum_partials).
const GROUP = 64u;
const SIDES = 1u; // see shared/beside4.wgsl
const SOURCE = 0u; // see shared/source.wgsl
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c: u32, height: u32, width: u32, dilation: u32, strip: u32, strips: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;          // [n, c, height, width]
@group(0) @binding(1) var<storage, read> input_words: array<f32>;    // the same, one by one
@group(0) @binding(2) var<storage, read> grad_output: array<Row>;    // [n, c, height, width]
@group(0) @binding(3) var<storage, read> bias: array<f32>;           // [c] of the norm before
@group(0) @binding(4) var<storage, read> scale: array<f32>;          // [c] of the norm before
@group(0) @binding(5) var<storage, read> stats: array<vec4f>;        // [c] of the norm before: (shift, mean - shift, invstd, unused)
@group(0) @binding(6) var<storage, read_write> partials: array<f32>; // [spans, c, 3, 3]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/nan.wgsl
//!include shared/source.wgsl
//!include shared/pair4.wgsl
//!include shared/beside4.wgsl
//!include shared/sum9.wgsl

@compute @workgroup_size(GROUP)
fn depthwise_conv2d_grad_weight_3x3(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let height = params.height; let width = params.width; let dilation = params.dilation;
  let quads = (width + 3u) / 4u;
  let phases = min(dilation, height);
  let flat = flat_group(group, groups);
  let channel = flat % params.c;
  let span = flat / params.c;
  if span >= params.spans { return; }
  let total = params.n * params.strips * phases * quads;
  let length = (total + params.spans - 1u) / params.spans;

  source = source_of(channel, params.c >> 31u);
  var acc: array<vec4f, 9>;
  for (var task = span * length + local; task < min((span + 1u) * length, total); task += GROUP) {
    let quad = task % quads;
    let phase = (task / quads) % phases;
    let part = task / (quads * phases);
    let plane = ((part / params.strips) * params.c + channel) * height;
    let first = i32((part % params.strips) * params.strip);
    let end = min(first + i32(params.strip), i32((height - phase + dilation - 1u) / dilation));
    // The strip's rows of dy; those of x reach one further at both ends.
    var above = vec4f(0.0);
    var here = vec4f(0.0);
    for (var i = first - 1; i <= end; i++) {
      let row = i32(phase) + i * i32(dilation);
      let next = row + i32(dilation);
      var below = vec4f(0.0);
      if i + 1 < end { below = operand4(load_grad_output((plane + u32(next)) * width, quad, width)); }
      if row >= 0 && row < i32(height) {
        let at = (plane + u32(row)) * width;
        let v = sourced_quad(load_input(at, quad, width), quad, width);
        let side = beside(at, quad, width, dilation, v);
        let x = operand4(v);
        let left = operand4(side.left);
        let right = operand4(side.right);
        acc[0] += below * left;
        acc[1] += below * x;
        acc[2] += below * right;
        acc[3] += here * left;
        acc[4] += here * x;
        acc[5] += here * right;
        acc[6] += above * left;
        acc[7] += above * x;
        acc[8] += above * right;
      }
      above = here;
      here = below;
    }
  }
  for (var j = 0u; j < 9u; j++) { sums[j * GROUP + local] = dot(acc[j], vec4f(1.0)); }
  sum9(local);
  if local == 0u {
    for (var j = 0u; j < 9u; j++) { partials[flat * 9u + j] = sums[j * GROUP]; }
  }
}
