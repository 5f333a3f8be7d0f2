// Weight gradient of a 3 × 3 convolution of stride 1, for GPUs and layers of few channels: all nine taps from one reading of the pixels.
// A workgroup takes OUT output channels, one input channel, and one span of output pixels, four neighbours of a row an invocation; its 64
// invocations step through the span and their sums are added in order.
// Launcher:  kernels/conv2d/grad_weight.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.grad.conv2d_weight
// Grid:      spans × input channels × blocks of output channels, folded past 65 535 groups.
// Numerics:  f32; 64 strided sums of four pixels at a time added in order, then partial sums in order (sum_partials).
const OUT = 8u;
const PACKED = 0u; // see shared/numbers.wgsl
const SOURCE = 0u; // see shared/source.wgsl
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Element>;          // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> grad_output: array<GradOutput>; // [n, c_out, h_out, w_out]
@group(0) @binding(2) var<storage, read> bias: array<f32>;               // [c_in] of the norm before
@group(0) @binding(3) var<storage, read> scale: array<f32>;              // [c_in] of the norm before
@group(0) @binding(4) var<storage, read> stats: array<vec4f>;            // [c_in] of the norm before: (shift, mean - shift, invstd, unused)
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;     // [spans, c_out, c_in, 3, 3]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/element.wgsl
//!include shared/numbers.wgsl
//!include shared/nan.wgsl
//!include shared/source.wgsl
//!include shared/grad_output4.wgsl
var<workgroup> sums: array<array<f32, 64>, 36>; // of four output channels

@compute @workgroup_size(64)
fn conv2d_grad_weight_narrow(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = flat_group(group, groups);
  let span = flat % params.spans;
  let channel = flat / params.spans % params.c_in;
  let out_0 = flat / (params.spans * params.c_in) * OUT;
  if out_0 >= params.c_out { return; }
  let across = (params.w_out + 3u) / 4u;
  let total = params.n * params.h_out * across;
  let length = (total + params.spans - 1u) / params.spans;
  let end = min((span + 1u) * length, total);

  source = source_of(channel, params.n >> 31u);
  var acc: array<array<f32, 9>, OUT>;
  for (var at = span * length + local; at < end; at += 64u) {
    let column_0 = at % across * 4u;
    let row_0 = at / across % params.h_out;
    let image = at / (across * params.h_out);
    let outs = min(vec4u(column_0) + vec4u(0u, 1u, 2u, 3u), vec4u(params.w_out - 1u));
    let known = vec4u(column_0) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.w_out);
    var g: array<vec4f, OUT>;
    for (var o = 0u; o < OUT; o++) {
      let plane = (image * params.c_out + min(out_0 + o, params.c_out - 1u)) * params.h_out;
      g[o] = operand4(select(vec4f(0.0), read_grad_output((plane + row_0) * params.w_out + outs), known));
    }
    let plane = (image * params.c_in + channel) * params.h_in;
    let low_columns = vec4i(i32(column_0) - i32(params.padding)) + vec4i(0, 1, 2, 3);
    let high_columns = low_columns.xy + vec2i(4);
    let low_inside = (low_columns >= vec4i(0)) & (low_columns < vec4i(i32(params.w_in)));
    let high_inside = (high_columns >= vec2i(0)) & (high_columns < vec2i(i32(params.w_in)));
    for (var ky = 0u; ky < 3u; ky++) {
      let row = i32(row_0 + ky) - i32(params.padding);
      let is_inside = row >= 0 && row < i32(params.h_in);
      let first = (plane + select(0u, u32(row), is_inside)) * params.w_in;
      let low_at = first + select(vec4u(0u), vec4u(low_columns), low_inside);
      let high_at = first + select(vec2u(0u), vec2u(high_columns), high_inside);
      let low = operand4(select(vec4f(0.0), sourced4(vec4f(element(low_at.x), element(low_at.y), element(low_at.z), element(low_at.w))), low_inside & vec4<bool>(is_inside)));
      let high = operand4(select(vec4f(0.0), sourced4(vec4f(element(high_at.x), element(high_at.y), 0.0, 0.0)), vec4<bool>(high_inside, false, false) & vec4<bool>(is_inside)));
      for (var o = 0u; o < OUT; o++) {
        acc[o][ky * 3u] += dot(g[o], low);
        acc[o][ky * 3u + 1u] += dot(g[o], vec4f(low.yzw, high.x));
        acc[o][ky * 3u + 2u] += dot(g[o], vec4f(low.zw, high.xy));
      }
    }
  }
  for (var begin = 0u; begin < OUT; begin += 4u) {
    workgroupBarrier();
    for (var o = 0u; o < 4u; o++) {
      for (var tap = 0u; tap < 9u; tap++) { sums[o * 9u + tap][local] = acc[begin + o][tap]; }
    }
    workgroupBarrier();
    let o = out_0 + begin + local / 9u;
    if local < 36u && o < params.c_out {
      var sum = 0.0;
      for (var t = 0u; t < 64u; t++) { sum += sums[local][t]; }
      partials[((span * params.c_out + o) * params.c_in + channel) * 9u + local % 9u] = sum;
    }
  }
}
