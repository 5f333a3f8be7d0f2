// Weight gradient of a 2-d convolution of any stride, padding, dilation and groups:
//   dw[o,i,ky,kx] = Σ_{n,r,c} dy[n,o,r,c] · x[n, i, r·stride + ky·dilation − padding, c·stride + kx·dilation − padding].
// A workgroup takes one tap, OUT output and IN input channels of one group, and one span of output pixels; its 64 invocations step
// through the span and their sums are added in order.
// Launcher:  kernels/conv2d/launch.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.grad.conv2d_weight
// Grid:      spans × taps × blocks of channels, folded past 65 535 groups.
// Numerics:  f32; 64 strided sums added in order, then partial sums in order (sum_partials).
const OUT = 8u;
const IN = 4u;
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;          // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;    // [n, c_out, h_out, w_out]
@group(0) @binding(2) var<storage, read_write> partials: array<f32>; // [spans, c_out, c_in / groups, kernel_h, kernel_w]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
var<workgroup> sums: array<array<f32, 64>, OUT * IN>;

@compute @workgroup_size(64)
fn conv2d_grad_weight(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
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
  let pixels = params.h_out * params.w_out;
  let total = params.n * pixels;
  let length = (total + params.spans - 1u) / params.spans;
  let end = min((span + 1u) * length, total);
  let dy = i32(tap / params.kernel_w * params.dilation) - i32(params.padding);
  let dx = i32(tap % params.kernel_w * params.dilation) - i32(params.padding);

  var acc: array<f32, OUT * IN>;
  for (var at = span * length + local; at < end; at += 64u) {
    let image = at / pixels;
    let pixel = at % pixels;
    let row = i32(pixel / params.w_out * params.stride) + dy;
    let column = i32(pixel % params.w_out * params.stride) + dx;
    if row < 0 || row >= i32(params.h_in) || column < 0 || column >= i32(params.w_in) { continue; }
    var x: array<f32, IN>;
    for (var i = 0u; i < IN; i++) {
      let channel = channel_group * in_per_group + min(in_0 + i, in_per_group - 1u);
      x[i] = operand(input[((image * params.c_in + channel) * params.h_in + u32(row)) * params.w_in + u32(column)]);
    }
    for (var o = 0u; o < OUT; o++) {
      let channel = channel_group * out_per_group + min(out_0 + o, out_per_group - 1u);
      let g = operand(grad_output[(image * params.c_out + channel) * pixels + pixel]);
      for (var i = 0u; i < IN; i++) { acc[o * IN + i] += g * x[i]; }
    }
  }
  for (var e = 0u; e < OUT * IN; e++) { sums[e][local] = acc[e]; }
  workgroupBarrier();
  if local < OUT * IN {
    var sum = 0.0;
    for (var t = 0u; t < 64u; t++) { sum += sums[local][t]; }
    let o = out_0 + local / IN;
    let i = in_0 + local % IN;
    if o < out_per_group && i < in_per_group {
      partials[((span * params.c_out + channel_group * out_per_group + o) * in_per_group + i) * taps + tap] = sum;
    }
  }
}
