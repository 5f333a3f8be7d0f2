// Input gradient of a 2-d convolution of any stride, padding, dilation and groups; also conv_transpose2d's forward, with bias:
//   dx[n,i,y,x] = bias[i] + Σ_{o,ky,kx} w[o,i,ky,kx] · dy[n, o, (y + padding − ky·dilation) / stride, (x + padding − kx·dilation) / stride]
// over the taps for which both divisions are exact and inside. Pixels are taken phase by phase (y mod stride, x mod stride), so that all
// pixels of a workgroup share their taps. One invocation computes PIXELS pixels × IN input channels of one group.
// Launcher:  kernels/conv2d/launch.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.grad.conv2d_input
// Grid:      64·PIXELS pixels of one phase × IN channels of an image a workgroup, folded past 65 535 groups.
// Numerics:  f32; sums of CHANNELS output channels, so that long sums lose less: for each tap in order, channels in order.
const PIXELS = 4u;
const IN = 8u;
const CHANNELS = 8u;
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<f32>;      // [n, c_out, h_out, w_out]
@group(0) @binding(1) var<storage, read> weight: array<f32>;           // [c_out, c_in / groups, kernel_h, kernel_w]
@group(0) @binding(2) var<storage, read> bias: array<f32>;             // [c_in] where has_bias
@group(0) @binding(3) var<storage, read_write> grad_input: array<f32>; // [n, c_in, h_in, w_in]
//!include shared/flat.wgsl
//!include shared/operand.wgsl

@compute @workgroup_size(64)
fn conv2d_grad_input(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let stride = params.stride;
  let phase_w = (params.w_in + stride - 1u) / stride;
  let phase_pixels = ((params.h_in + stride - 1u) / stride) * phase_w;
  let pixel_blocks = (phase_pixels + 64u * PIXELS - 1u) / (64u * PIXELS);
  let out_per_group = params.c_out / params.groups;
  let in_per_group = params.c_in / params.groups;
  let in_blocks = (in_per_group + IN - 1u) / IN;
  let flat = flat_group(group, groups);
  let pixel_0 = (flat % pixel_blocks) * 64u * PIXELS + local;
  let phase = (flat / pixel_blocks) % (stride * stride);
  let block = (flat / (pixel_blocks * stride * stride)) % (in_blocks * params.groups);
  let image = flat / (pixel_blocks * stride * stride * in_blocks * params.groups);
  if image >= params.n { return; }
  let channel_group = block / in_blocks;
  let in_0 = (block % in_blocks) * IN;
  let taps = params.kernel_h * params.kernel_w;

  var y: array<u32, PIXELS>;
  var x: array<u32, PIXELS>;
  for (var p = 0u; p < PIXELS; p++) {
    let pixel = min(pixel_0 + p * 64u, phase_pixels - 1u);
    y[p] = (pixel / phase_w) * stride + phase / stride;
    x[p] = (pixel % phase_w) * stride + phase % stride;
  }
  var weight_at: array<u32, IN>;
  for (var i = 0u; i < IN; i++) { weight_at[i] = min(in_0 + i, in_per_group - 1u) * taps; }
  // Multiples of the stride large enough to keep the phase tests below in unsigned range.
  let lift_y = stride * params.dilation * params.kernel_h;
  let lift_x = stride * params.dilation * params.kernel_w;

  var acc: array<array<f32, PIXELS>, IN>;
  for (var first = 0u; first < out_per_group; first += CHANNELS) {
    let end = min(first + CHANNELS, out_per_group);
    var sum: array<array<f32, PIXELS>, IN>;
    for (var ky = 0u; ky < params.kernel_h; ky++) {
      if (phase / stride + params.padding + lift_y - ky * params.dilation) % stride != 0u { continue; }
      for (var kx = 0u; kx < params.kernel_w; kx++) {
        if (phase % stride + params.padding + lift_x - kx * params.dilation) % stride != 0u { continue; }
        var inside: array<bool, PIXELS>;
        var at: array<u32, PIXELS>;
        for (var p = 0u; p < PIXELS; p++) {
          let row = i32(y[p] + params.padding) - i32(ky * params.dilation);
          let column = i32(x[p] + params.padding) - i32(kx * params.dilation);
          inside[p] = row >= 0 && row < i32(params.h_out * stride) && column >= 0 && column < i32(params.w_out * stride);
          at[p] = select(0u, (u32(row) / stride) * params.w_out + u32(column) / stride, inside[p]);
        }
        for (var o = first; o < end; o++) {
          let channel = channel_group * out_per_group + o;
          let plane = (image * params.c_out + channel) * params.h_out * params.w_out;
          var v: array<f32, PIXELS>;
          for (var p = 0u; p < PIXELS; p++) { v[p] = operand(select(0.0, grad_output[plane + at[p]], inside[p])); }
          let tap = channel * in_per_group * taps + ky * params.kernel_w + kx;
          for (var i = 0u; i < IN; i++) {
            let w = operand(weight[weight_at[i] + tap]);
            for (var p = 0u; p < PIXELS; p++) { sum[i][p] += w * v[p]; }
          }
        }
      }
    }
    for (var i = 0u; i < IN; i++) {
      for (var p = 0u; p < PIXELS; p++) { acc[i][p] += sum[i][p]; }
    }
  }
  for (var i = 0u; i < IN; i++) {
    if in_0 + i < in_per_group {
      let channel = channel_group * in_per_group + in_0 + i;
      let b = select(0.0, bias[channel], params.has_bias != 0u);
      for (var p = 0u; p < PIXELS; p++) {
        if pixel_0 + p * 64u < phase_pixels && y[p] < params.h_in && x[p] < params.w_in {
          grad_input[((image * params.c_in + channel) * params.h_in + y[p]) * params.w_in + x[p]] = acc[i][p] + b;
        }
      }
    }
  }
}
