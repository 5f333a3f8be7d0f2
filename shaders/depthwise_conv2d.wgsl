// Depthwise convolution of any kernel, stride, padding and dilation; right on every device:
//   y[n,c,r,q] = act(bias[c] + scale[c] · Σ_{ky,kx} w[c,ky,kx] · x[n, c, at(r,ky), at(q,kx)]), at(r,k) = r·stride + k·dilation − padding.
// Launcher:  kernels/depthwise_conv2d/mod.rs   Reference: src/reference/depthwise_conv2d.rs   PyTorch: conv2d with groups = channels
// Grid:      one invocation four columns of an output row, 64 a workgroup, folded past 65 535 groups.
// Numerics:  f32; taps in order.
const ACTIVATION = 0u;
const HALF = 0u; // see shared/operand.wgsl
struct Params { planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;        // [planes, h_in, w_in]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [c, 1, kernel_h, kernel_w]
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [c] where has_bias
@group(0) @binding(3) var<storage, read> scale: array<f32>;        // [c] where has_scale
@group(0) @binding(4) var<storage, read_write> output: array<f32>; // [planes, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/pixel.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl
alias Pack = vec4f;
alias Bits = vec4u;

@compute @workgroup_size(64)
fn depthwise_conv2d(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let quad = pixel_of(flat_group(group, groups), local, params.h_out, (params.w_out + 3u) / 4u);
  if quad.plane >= params.planes { return; }
  let channel = quad.plane % params.c;
  let taps = channel * params.kernel_h * params.kernel_w;
  let row = i32(quad.row * params.stride) - i32(params.padding);
  let col = vec4i((4u * quad.col + vec4u(0u, 1u, 2u, 3u)) * params.stride) - i32(params.padding);
  var sum = vec4f(0.0);
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    let y = row + i32(ky * params.dilation);
    if y < 0 || y >= i32(params.h_in) { continue; }
    let line = (quad.plane * params.h_in + u32(y)) * params.w_in;
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let x = col + i32(kx * params.dilation);
      let inside = (x >= vec4i(0)) & (x < vec4i(i32(params.w_in)));
      let at = line + select(vec4u(0u), vec4u(x), inside);
      let v = select(vec4f(0.0), vec4f(input[at.x], input[at.y], input[at.z], input[at.w]), inside);
      sum += operand(weight[taps + ky * params.kernel_w + kx]) * operand4(v);
    }
  }
  let b = select(0.0, bias[select(0u, channel, params.has_bias != 0u)], params.has_bias != 0u);
  let s = select(1.0, scale[select(0u, channel, params.has_scale != 0u)], params.has_scale != 0u);
  let y = activate(ACTIVATION, sum * s + b);
  let first = (quad.plane * params.h_out + quad.row) * params.w_out + 4u * quad.col;
  let left = params.w_out - 4u * quad.col;
  output[first] = y.x;
  if left > 1u { output[first + 1u] = y.y; }
  if left > 2u { output[first + 2u] = y.z; }
  if left > 3u { output[first + 3u] = y.w; }
}
