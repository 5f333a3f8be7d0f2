// Input gradient of a 2-d convolution as a product of matrices through workgroup memory, for GPUs and layers of many channels; also
// conv_transpose2d's forward, with bias. The sums of conv2d_grad_input.wgsl in their order, so that both give the same bits.
// A workgroup computes IN input channels of one group × PIXELS pixels of one phase (y mod stride, x mod stride) of all images in steps of
// CHANNELS output channels at one tap: it reads their weights and gradients once into workgroup memory, of which each invocation takes 8
// channels and 4 pixels into registers. Four gradients are read at once where windows of one pixel see them side by side. With PARTS it
// sums a part of the output channels, for conv2d_sum.
// Launcher:  kernels/conv2d/launch.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.grad.conv2d_input
// Grid:      PARTS × IN channels × PIXELS pixels of one phase of all images a workgroup, folded past 65 535 groups.
// Numerics:  f32; sums of CHANNELS output channels, so that long sums lose less: for each tap in order, channels in order.
const IN = 64u;
const PIXELS = 64u;
const CHANNELS = 8u;
const PARTS = 1u;
const HALF = 0u; // see shared/operand.wgsl
const INVOCATIONS = IN / 8u * (PIXELS / 4u);
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<GradOutput>; // [n, c_out, h_out, w_out]
@group(0) @binding(1) var<storage, read> weight: array<f32>;             // [c_out, c_in / groups, kernel_h, kernel_w]
@group(0) @binding(2) var<storage, read> bias: array<f32>;               // [c_in] where has_bias
@group(0) @binding(3) var<storage, read_write> grad_input: array<f32>;   // [PARTS, n, c_in, h_in, w_in]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/grad_output4.wgsl
var<workgroup> weights: array<vec4f, CHANNELS * IN / 4u>;    // [CHANNELS][IN]
var<workgroup> pixels: array<vec4f, CHANNELS * PIXELS / 4u>; // [CHANNELS][PIXELS]

@compute @workgroup_size(INVOCATIONS)
fn conv2d_grad_input_tile(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let stride = params.stride;
  let phase_w = (params.w_in + stride - 1u) / stride;
  let phase_pixels = ((params.h_in + stride - 1u) / stride) * phase_w;
  let total = params.n * phase_pixels;
  let pixel_blocks = (total + PIXELS - 1u) / PIXELS;
  let out_per_group = params.c_out / params.groups;
  let in_per_group = params.c_in / params.groups;
  let in_blocks = (in_per_group + IN - 1u) / IN;
  let plane_out = params.h_out * params.w_out;
  let flat = flat_group(group, groups);
  let phase = (flat / pixel_blocks) % (stride * stride);
  let block = flat / (pixel_blocks * stride * stride);
  let part = block / (in_blocks * params.groups);
  if part >= PARTS { return; }
  let pixel_0 = (flat % pixel_blocks) * PIXELS;
  let channel_group = block / in_blocks % params.groups;
  let in_0 = (block % in_blocks) * IN;
  let taps = params.kernel_h * params.kernel_w;
  let first_channel = channel_group * out_per_group;

  // The four pixels of this invocation: those it brings into workgroup memory, and those whose sums it computes.
  let quad = local % (PIXELS / 4u);
  let place = vec4u(pixel_0 + 4u * quad) + vec4u(0u, 1u, 2u, 3u);
  let image = min(place, vec4u(total - 1u)) / phase_pixels;
  let pixel = min(place, vec4u(total - 1u)) % phase_pixels;
  let y = pixel / phase_w * stride + phase / stride;
  let x = pixel % phase_w * stride + phase % stride;
  let plane_0 = (image * params.c_out + first_channel) * plane_out;
  let own_in = local / (PIXELS / 4u) * 2u;
  // Multiples of the stride large enough to keep the phase tests below in unsigned range.
  let lift_y = stride * params.dilation * params.kernel_h;
  let lift_x = stride * params.dilation * params.kernel_w;

  var acc: array<vec4f, 8>;
  let each = (out_per_group + PARTS * CHANNELS - 1u) / (PARTS * CHANNELS) * CHANNELS;
  let end = min((part + 1u) * each, out_per_group);
  for (var first = part * each; first < end; first += CHANNELS) {
    var sum: array<vec4f, 8>;
    for (var ky = 0u; ky < params.kernel_h; ky++) {
      if (phase / stride + params.padding + lift_y - ky * params.dilation) % stride != 0u { continue; }
      let row = vec4i(y + params.padding) - i32(ky * params.dilation);
      for (var kx = 0u; kx < params.kernel_w; kx++) {
        if (phase % stride + params.padding + lift_x - kx * params.dilation) % stride != 0u { continue; }
        let column = vec4i(x + params.padding) - i32(kx * params.dilation);
        let inside = (row >= vec4i(0)) & (row < vec4i(i32(params.h_out * stride)))
          & (column >= vec4i(0)) & (column < vec4i(i32(params.w_out * stride)));
        let at = plane_0 + select(vec4u(0u), vec4u(row) / stride * params.w_out + vec4u(column) / stride, inside);
        let tap = ky * params.kernel_w + kx;
        workgroupBarrier();
        for (var e = local; e < CHANNELS * PIXELS / 4u; e += INVOCATIONS) {
          let o = first + e / (PIXELS / 4u);
          let read = read_grad_output(at + min(o, out_per_group - 1u) * plane_out);
          pixels[e] = operand4(select(vec4f(0.0), read, inside & vec4<bool>(o < out_per_group)));
        }
        for (var e = local; e < CHANNELS * IN / 4u; e += INVOCATIONS) {
          let o = first + e / (IN / 4u);
          let i = in_0 + e % (IN / 4u) * 4u;
          let filters = (first_channel + min(o, out_per_group - 1u)) * in_per_group;
          var w: vec4f;
          for (var k = 0u; k < 4u; k++) { w[k] = weight[(filters + min(i + k, in_per_group - 1u)) * taps + tap]; }
          weights[e] = operand4(select(vec4f(0.0), w, o < out_per_group));
        }
        workgroupBarrier();
        for (var o = 0u; o < CHANNELS; o++) {
          let v = pixels[o * (PIXELS / 4u) + quad];
          var w: array<vec4f, 2>;
          for (var k = 0u; k < 2u; k++) { w[k] = weights[o * (IN / 4u) + own_in + k]; }
          for (var i = 0u; i < 8u; i++) { sum[i] += w[i / 4u][i % 4u] * v; }
        }
      }
    }
    for (var i = 0u; i < 8u; i++) { acc[i] += sum[i]; }
  }
  for (var i = 0u; i < 8u; i++) {
    let own = in_0 + own_in * 4u + i;
    if own < in_per_group {
      let channel = channel_group * in_per_group + own;
      let b = select(0.0, bias[channel], params.has_bias != 0u);
      for (var p = 0u; p < 4u; p++) {
        if place[p] < total && y[p] < params.h_in && x[p] < params.w_in {
          grad_input[(((part * params.n + image[p]) * params.c_in + channel) * params.h_in + y[p]) * params.w_in + x[p]] = acc[i][p] + b;
        }
      }
    }
  }
}
