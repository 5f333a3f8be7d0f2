// 3 × 3 convolution of stride 1 for GPUs and layers of few channels; also its input gradient, with TRANSPOSED. The sums of conv2d.wgsl, or
// of conv2d_grad_input.wgsl, in their order, so that they have the same bits.
// A workgroup computes OUT output channels of 32 × 8 pixels of an image. It reads IN channels of the 34 × 10 pixels that they see, and
// their weights, once into workgroup memory; an invocation sums four neighbours of a row.
// Launcher:  kernels/conv2d/narrow.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.functional.conv2d
// Grid:      OUT output channels × 32 × 8 pixels of an image a workgroup, folded past 65 535 groups.
// Numerics:  f32; sums of IN = 8 input channels, so that long sums lose less: for each tap in order, channels in order.
const OUT = 8u;
const IN = 8u;
const TRANSPOSED = 0u;
const ACTIVATION = 0u;
const SOURCE = 0u; // see shared/source.wgsl
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;        // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [c_out, c_in, 3, 3]; [c_in, c_out, 3, 3] where TRANSPOSED
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [c_out] where has_bias, or [c_in] of the norm before
@group(0) @binding(3) var<storage, read> scale: array<f32>;        // [c_out] where has_scale, or [c_in] of the norm before
@group(0) @binding(4) var<storage, read> stats: array<vec4f>;      // [c_in] of the norm before: (shift, mean - shift, invstd, unused)
@group(0) @binding(5) var<storage, read_write> output: array<Row>; // [n, c_out, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/nan.wgsl
//!include shared/source.wgsl
//!include shared/activate.wgsl
//!include shared/pack1.wgsl
//!include shared/output4.wgsl
const ROW_QUADS = 9u;                                              // a row of 34 pixels, and two more
const PATCH = ROW_QUADS * 10u;
var<workgroup> pixels: array<vec4f, IN * PATCH>;               // [IN][row][quad]
var<workgroup> weights: array<vec4f, IN * 9u * (OUT / 4u)>;    // [tap][IN][OUT]

@compute @workgroup_size(64)
fn conv2d_narrow(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let across = (params.w_out + 31u) / 32u;
  let patches = across * ((params.h_out + 7u) / 8u);
  let out_blocks = (params.c_out + OUT - 1u) / OUT;
  let flat = flat_group(group, groups);
  let image = flat / (patches * out_blocks);
  if image >= params.n { return; }
  let out_0 = flat / patches % out_blocks * OUT;
  let row_0 = flat % patches / across * 8u;
  let column_0 = flat % across * 32u;
  let plane_in = params.h_in * params.w_in;
  let own_row = local / 8u;
  let own_quad = local % 8u;

  var acc: array<vec4f, OUT>;
  for (var first = 0u; first < params.c_in; first += IN) {
    workgroupBarrier();
    for (var e = local; e < IN * PATCH; e += 64u) {
      let i = first + e / PATCH;
      let row = i32(row_0 + e % PATCH / ROW_QUADS) - i32(params.padding);
      let column = vec4i(i32(column_0 + e % ROW_QUADS * 4u) - i32(params.padding)) + vec4i(0, 1, 2, 3);
      let inside = vec4<bool>(i < params.c_in && row >= 0 && row < i32(params.h_in)) & (column >= vec4i(0)) & (column < vec4i(i32(params.w_in)));
      source = source_of(min(i, params.c_in - 1u), params.n >> 31u);
      let at = (image * params.c_in + min(i, params.c_in - 1u)) * plane_in + select(vec4u(0u), vec4u(u32(row) * params.w_in) + vec4u(column), inside);
      let read = sourced4(vec4f(input[at.x], input[at.y], input[at.z], input[at.w]));
      pixels[e] = operand4(select(vec4f(0.0), read, inside));
    }
    for (var e = local; e < IN * 9u * (OUT / 4u); e += 64u) {
      let i = first + e / (OUT / 4u) % IN;
      let known = min(i, params.c_in - 1u);
      let tap = e / (OUT / 4u * IN);
      var w: vec4f;
      for (var k = 0u; k < 4u; k++) {
        let o = min(out_0 + e % (OUT / 4u) * 4u + k, params.c_out - 1u);
        w[k] = weight[select(o * params.c_in + known, known * params.c_out + o, TRANSPOSED == 1u) * 9u + tap];
      }
      weights[e] = operand4(select(vec4f(0.0), w, i < params.c_in));
    }
    workgroupBarrier();
    var sum: array<vec4f, OUT>;
    for (var ky = 0u; ky < 3u; ky++) {
      let row = own_row + select(ky, 2u - ky, TRANSPOSED == 1u);
      for (var kx = 0u; kx < 3u; kx++) {
        let shift = select(kx, 2u - kx, TRANSPOSED == 1u);
        for (var i = 0u; i < IN; i++) {
          let begin = i * PATCH + row * ROW_QUADS + own_quad;
          let low = pixels[begin];
          let high = pixels[begin + 1u];
          let v = select(select(vec4f(low.zw, high.xy), vec4f(low.yzw, high.x), shift == 1u), low, shift == 0u);
          for (var o = 0u; o < OUT; o++) {
            sum[o] += weights[((ky * 3u + kx) * IN + i) * (OUT / 4u) + o / 4u][o % 4u] * v;
          }
        }
      }
    }
    for (var o = 0u; o < OUT; o++) { acc[o] += sum[o]; }
  }
  let row = row_0 + own_row;
  let column = vec4u(column_0 + own_quad * 4u) + vec4u(0u, 1u, 2u, 3u);
  let known = (column < vec4u(params.w_out)) & vec4<bool>(row < params.h_out);
  for (var o = 0u; o < OUT; o++) {
    let channel = out_0 + o;
    if channel < params.c_out {
      let b = select(0.0, bias[select(0u, channel, params.has_bias != 0u)], params.has_bias != 0u);
      let s = select(1.0, scale[select(0u, channel, params.has_scale != 0u)], params.has_scale != 0u);
      var result: vec4f;
      for (var p = 0u; p < 4u; p++) { result[p] = activate(ACTIVATION, acc[o][p] * s + b); }
      store_output(((image * params.c_out + channel) * params.h_out + row) * params.w_out + column, known, result);
    }
  }
}
