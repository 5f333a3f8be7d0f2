// Input gradient of a depthwise convolution of any kernel, stride, padding and dilation:
//   dx[n,c,y,x] = Σ_{ky,kx} w[c,ky,kx] · dy[n, c, (y + padding − ky·dilation) / stride, (x + padding − kx·dilation) / stride]
// over the taps for which both divisions are exact and inside.
// Launcher:  kernels/depthwise_conv2d/mod.rs   Reference: src/reference/depthwise_conv2d.rs   PyTorch: torch.nn.grad.conv2d_input
// Grid:      one invocation four columns of an input row, 64 a workgroup, folded past 65 535 groups.
// Numerics:  f32; taps in order.
const STRIDE = 1u; // known when compiled: division by a variable is slow
const HALF = 0u; // see shared/operand.wgsl
struct Params { planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, padding: u32, dilation: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<f32>;      // [planes, h_out, w_out]
@group(0) @binding(1) var<storage, read> weight: array<f32>;           // [c, 1, kernel_h, kernel_w]
@group(0) @binding(2) var<storage, read_write> grad_input: array<f32>; // [planes, h_in, w_in]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/pixel.wgsl

@compute @workgroup_size(64)
fn depthwise_conv2d_grad_input(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let quad = pixel_of(flat_group(group, groups), local, params.h_in, (params.w_in + 3u) / 4u);
  if quad.plane >= params.planes { return; }
  let taps = (quad.plane % params.c) * params.kernel_h * params.kernel_w;
  let col = 4u * quad.col + vec4u(0u, 1u, 2u, 3u) + params.padding;
  var sum = vec4f(0.0);
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    // Where the tap lies beyond, the difference wraps around to a number far above any row.
    let y = quad.row + params.padding - ky * params.dilation;
    if y % STRIDE != 0u || y / STRIDE >= params.h_out { continue; }
    let line = (quad.plane * params.h_out + y / STRIDE) * params.w_out;
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let x = col - kx * params.dilation;
      let meets = (x % STRIDE == vec4u(0u)) & (x / STRIDE < vec4u(params.w_out));
      let at = line + select(vec4u(0u), x / STRIDE, meets);
      let g = select(vec4f(0.0), vec4f(grad_output[at.x], grad_output[at.y], grad_output[at.z], grad_output[at.w]), meets);
      sum += operand(weight[taps + ky * params.kernel_w + kx]) * operand4(g);
    }
  }
  let first = (quad.plane * params.h_in + quad.row) * params.w_in + 4u * quad.col;
  let left = params.w_in - 4u * quad.col;
  grad_input[first] = sum.x;
  if left > 1u { grad_input[first + 1u] = sum.y; }
  if left > 2u { grad_input[first + 2u] = sum.z; }
  if left > 3u { grad_input[first + 3u] = sum.w; }
}
