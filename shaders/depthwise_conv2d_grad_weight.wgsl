// Weight gradient of a depthwise convolution of any kernel, stride, padding and dilation:
//   dw[c,ky,kx] = Σ_{n,r,q} dy[n,c,r,q] · x[n, c, r·stride + ky·dilation − padding, q·stride + kx·dilation − padding].
// Launcher:  kernels/depthwise_conv2d/grad_weight.rs   Reference: src/reference/depthwise_conv2d.rs   PyTorch: torch.nn.grad.conv2d_weight
// Grid:      one tap of a channel and one span of quads of dy a workgroup, folded past 65 535 groups.
// Numerics:  f32; 64 strided sums added as a tree, then spans in order (sum_partials).
const GROUP = 64u;
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;          // [n, c, h_in, w_in]
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;    // [n, c, h_out, w_out]
@group(0) @binding(2) var<storage, read_write> partials: array<f32>; // [spans, c, 1, kernel_h, kernel_w]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/sum1.wgsl
alias Sum = f32;

@compute @workgroup_size(GROUP)
fn depthwise_conv2d_grad_weight(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let quads = (params.w_out + 3u) / 4u;
  let flat = flat_group(group, groups);
  let tap = flat % (params.kernel_h * params.kernel_w);
  let part = flat / (params.kernel_h * params.kernel_w);
  let channel = part % params.c;
  let span = part / params.c;
  if span >= params.spans { return; }
  let total = params.n * params.h_out * quads;
  let length = (total + params.spans - 1u) / params.spans;
  let down = i32(tap / params.kernel_w * params.dilation) - i32(params.padding);
  let along = i32(tap % params.kernel_w * params.dilation) - i32(params.padding);

  var sum = vec4f(0.0);
  for (var task = span * length + local; task < min((span + 1u) * length, total); task += GROUP) {
    let quad = task % quads;
    let row = (task / quads) % params.h_out;
    let plane = task / (quads * params.h_out) * params.c + channel;
    let y = i32(row * params.stride) + down;
    if y < 0 || y >= i32(params.h_in) { continue; }
    let col = 4u * quad + vec4u(0u, 1u, 2u, 3u);
    let x = vec4i(col * params.stride) + along;
    let inside = (x >= vec4i(0)) & (x < vec4i(i32(params.w_in))) & (col < vec4u(params.w_out));
    let source = (plane * params.h_in + u32(y)) * params.w_in + select(vec4u(0u), vec4u(x), inside);
    let at = (plane * params.h_out + row) * params.w_out + select(vec4u(0u), col, inside);
    let v = vec4f(input[source.x], input[source.y], input[source.z], input[source.w]);
    let g = vec4f(grad_output[at.x], grad_output[at.y], grad_output[at.z], grad_output[at.w]);
    sum += select(vec4f(0.0), operand4(v) * operand4(g), inside);
  }
  let all = summed(local, dot(sum, vec4f(1.0)));
  if local == 0u { partials[flat] = all; }
}
