// Weight gradient of a 2-d convolution as a product of matrices through workgroup memory, for GPUs and layers of many channels.
// A workgroup takes one tap, OUT output and IN input channels of one group, and one span of output pixels in steps of 16, which it reads
// once into workgroup memory, four pixels at once where windows of one pixel see them side by side; each invocation sums the products of
// 8 output and 4 input channels.
// Launcher:  kernels/conv2d/launch.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.grad.conv2d_weight
// Grid:      spans × taps × blocks of channels, folded past 65 535 groups.
// Numerics:  f32; sums of STEPS·16 pixels in order, these in order, then partial sums in order (sum_partials).
const OUT = 64u;
const IN = 64u;
const STEPS = 16u;
const PACKED = 0u; // see shared/numbers.wgsl
const HALF = 0u; // see shared/operand.wgsl
const INVOCATIONS = OUT / 8u * (IN / 4u);
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Input>;            // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> grad_output: array<GradOutput>; // [n, c_out, h_out, w_out]
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;     // [spans, c_out, c_in / groups, kernel_h, kernel_w]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/numbers.wgsl
//!include shared/input4.wgsl
//!include shared/grad_output4.wgsl
var<workgroup> gradients: array<vec4f, 4u * OUT>; // [quad of pixels][OUT]
var<workgroup> pixels: array<vec4f, 4u * IN>;     // [quad of pixels][IN]

@compute @workgroup_size(INVOCATIONS)
fn conv2d_grad_weight_tile(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let out_per_group = params.c_out / params.groups;
  let in_per_group = params.c_in / params.groups;
  let out_blocks = (out_per_group + OUT - 1u) / OUT;
  let in_blocks = (in_per_group + IN - 1u) / IN;
  let taps = params.kernel_h * params.kernel_w;
  var flat = flat_group(group, groups);
  let span = flat % params.spans; flat /= params.spans;
  let tap = flat % taps; flat /= taps;
  let in_0 = (flat % in_blocks) * IN; flat /= in_blocks;
  let out_0 = (flat % out_blocks) * OUT;
  let channel_group = flat / out_blocks;
  if channel_group >= params.groups { return; }
  let plane_out = params.h_out * params.w_out;
  let plane_in = params.h_in * params.w_in;
  let total = params.n * plane_out;
  let length = (total + params.spans - 1u) / params.spans;
  let end = min((span + 1u) * length, total);
  let dy = i32(tap / params.kernel_w * params.dilation) - i32(params.padding);
  let dx = i32(tap % params.kernel_w * params.dilation) - i32(params.padding);

  // The four pixels of each step that this invocation brings; its output channels are own_out + 0…7, its input channels IN/4 apart.
  let quad = local % 4u;
  let own_out = local / (IN / 4u) * 8u;
  let own_in = local % (IN / 4u);
  var acc: array<vec4f, 8>;
  var sum: array<vec4f, 8>;
  var step = 0u;
  for (var start = span * length; start < end; start += 16u) {
    var out_at: vec4u;
    var in_at: vec4u;
    var known: vec4<bool>;
    var inside: vec4<bool>;
    for (var p = 0u; p < 4u; p++) {
      let at = min(start + 4u * quad + p, end - 1u);
      let image = at / plane_out;
      let pixel = at % plane_out;
      let row = i32(pixel / params.w_out * params.stride) + dy;
      let column = i32(pixel % params.w_out * params.stride) + dx;
      known[p] = start + 4u * quad + p < end;
      inside[p] = known[p] && row >= 0 && row < i32(params.h_in) && column >= 0 && column < i32(params.w_in);
      out_at[p] = image * params.c_out * plane_out + pixel;
      in_at[p] = image * params.c_in * plane_in + select(0u, u32(row) * params.w_in + u32(column), inside[p]);
    }
    workgroupBarrier();
    for (var e = local; e < 4u * OUT; e += INVOCATIONS) {
      let channel = channel_group * out_per_group + min(out_0 + e / 4u, out_per_group - 1u);
      gradients[quad * OUT + e / 4u] = operand4(select(vec4f(0.0), read_grad_output(out_at + channel * plane_out), known));
    }
    for (var e = local; e < 4u * IN; e += INVOCATIONS) {
      let channel = channel_group * in_per_group + min(in_0 + e / 4u, in_per_group - 1u);
      pixels[quad * IN + e / 4u] = operand4(select(vec4f(0.0), read_input(in_at + channel * plane_in), inside));
    }
    workgroupBarrier();
    for (var q = 0u; q < 4u; q++) {
      // One vector for each of the four pixels, of the four input channels.
      var v: array<vec4f, 4>;
      for (var i = 0u; i < 4u; i++) {
        let read = pixels[q * IN + own_in + i * (IN / 4u)];
        for (var p = 0u; p < 4u; p++) { v[p][i] = read[p]; }
      }
      for (var o = 0u; o < 8u; o++) {
        let g = gradients[q * OUT + own_out + o];
        for (var p = 0u; p < 4u; p++) { sum[o] += g[p] * v[p]; }
      }
    }
    step++;
    if step == STEPS {
      for (var o = 0u; o < 8u; o++) { acc[o] += sum[o]; sum[o] = vec4f(0.0); }
      step = 0u;
    }
  }
  for (var o = 0u; o < 8u; o++) {
    for (var i = 0u; i < 4u; i++) {
      let own = vec2u(out_0 + own_out + o, in_0 + own_in + i * (IN / 4u));
      if own.x < out_per_group && own.y < in_per_group {
        let filters = (span * params.c_out + channel_group * out_per_group + own.x) * in_per_group + own.y;
        partials[filters * taps + tap] = acc[o][i] + sum[o][i];
      }
    }
  }
}
