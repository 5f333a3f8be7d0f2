// 2-d convolution as a product of matrices through workgroup memory, for GPUs and layers of many channels; the sums of conv2d.wgsl in
// their order, so that both give the same bits.
// A workgroup computes OUT output channels of one group × PIXELS pixels of all images in steps of CHANNELS input channels at one tap: it
// reads their weights and pixels once into workgroup memory, of which each invocation takes 8 channels and 4 pixels into registers. Four
// pixels are read and stored at once where windows of one pixel see them side by side. With PARTS it sums a part of the input channels,
// for conv2d_sum.
// Launcher:  kernels/conv2d/launch.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.functional.conv2d
// Grid:      PARTS × OUT output channels × PIXELS output pixels of all images a workgroup, folded past 65 535 groups.
// Numerics:  f32; sums of CHANNELS input channels, so that long sums lose less: for each tap in order, channels in order.
const OUT = 64u;
const PIXELS = 64u;
const CHANNELS = 8u;
const ACTIVATION = 0u;
const PARTS = 1u;
const HALF = 0u; // see shared/operand.wgsl
const INVOCATIONS = OUT / 8u * (PIXELS / 4u);
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Input>;      // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [c_out, c_in / groups, kernel_h, kernel_w]
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [c_out] where has_bias
@group(0) @binding(3) var<storage, read> scale: array<f32>;        // [c_out] where has_scale
@group(0) @binding(4) var<storage, read_write> output: array<Row>; // [PARTS, n, c_out, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl
//!include shared/pack1.wgsl
//!include shared/input4.wgsl
//!include shared/output4.wgsl
var<workgroup> weights: array<vec4f, CHANNELS * OUT / 4u>;   // [CHANNELS][OUT]
var<workgroup> pixels: array<vec4f, CHANNELS * PIXELS / 4u>; // [CHANNELS][PIXELS]

@compute @workgroup_size(INVOCATIONS)
fn conv2d_tile(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let plane_out = params.h_out * params.w_out;
  let plane_in = params.h_in * params.w_in;
  let total = params.n * plane_out;
  let pixel_blocks = (total + PIXELS - 1u) / PIXELS;
  let out_per_group = params.c_out / params.groups;
  let in_per_group = params.c_in / params.groups;
  let out_blocks = (out_per_group + OUT - 1u) / OUT;
  let flat = flat_group(group, groups);
  let block = flat / pixel_blocks;
  let part = block / (out_blocks * params.groups);
  if part >= PARTS { return; }
  let pixel_0 = (flat % pixel_blocks) * PIXELS;
  let channel_group = block / out_blocks % params.groups;
  let out_0 = (block % out_blocks) * OUT;
  let taps = params.kernel_h * params.kernel_w;

  // Four pixels that this invocation brings into workgroup memory; past the last one the last one stands in, whose sums are not stored.
  let quad = local % (PIXELS / 4u);
  let place = vec4u(pixel_0 + 4u * quad) + vec4u(0u, 1u, 2u, 3u);
  let known = place < vec4u(total);
  let image = min(place, vec4u(total - 1u)) / plane_out;
  let pixel = min(place, vec4u(total - 1u)) % plane_out;
  let y = vec4i(pixel / params.w_out * params.stride) - i32(params.padding);
  let x = vec4i(pixel % params.w_out * params.stride) - i32(params.padding);
  let plane_0 = (image * params.c_in + channel_group * in_per_group) * plane_in;
  // The eight output channels and four pixels whose sums it computes.
  let own_out = local / (PIXELS / 4u) * 2u;

  var acc: array<vec4f, 8>;
  let each = (in_per_group + PARTS * CHANNELS - 1u) / (PARTS * CHANNELS) * CHANNELS;
  let end = min((part + 1u) * each, in_per_group);
  for (var first = part * each; first < end; first += CHANNELS) {
    var sum: array<vec4f, 8>;
    for (var tap = 0u; tap < taps; tap++) {
      let row = y + i32(tap / params.kernel_w * params.dilation);
      let column = x + i32(tap % params.kernel_w * params.dilation);
      let inside = (row >= vec4i(0)) & (row < vec4i(i32(params.h_in))) & (column >= vec4i(0)) & (column < vec4i(i32(params.w_in)));
      let at = plane_0 + select(vec4u(0u), vec4u(row) * params.w_in + vec4u(column), inside);
      workgroupBarrier();
      for (var e = local; e < CHANNELS * PIXELS / 4u; e += INVOCATIONS) {
        let i = first + e / (PIXELS / 4u);
        let read = read_input(at + min(i, in_per_group - 1u) * plane_in);
        pixels[e] = operand4(select(vec4f(0.0), read, inside & vec4<bool>(i < in_per_group)));
      }
      for (var e = local; e < CHANNELS * OUT / 4u; e += INVOCATIONS) {
        let i = first + e / (OUT / 4u);
        let o = out_0 + e % (OUT / 4u) * 4u;
        var w: vec4f;
        for (var k = 0u; k < 4u; k++) {
          let channel = channel_group * out_per_group + min(o + k, out_per_group - 1u);
          w[k] = weight[(channel * in_per_group + min(i, in_per_group - 1u)) * taps + tap];
        }
        weights[e] = operand4(select(vec4f(0.0), w, i < in_per_group));
      }
      workgroupBarrier();
      for (var i = 0u; i < CHANNELS; i++) {
        let v = pixels[i * (PIXELS / 4u) + quad];
        var w: array<vec4f, 2>;
        for (var k = 0u; k < 2u; k++) { w[k] = weights[i * (OUT / 4u) + own_out + k]; }
        for (var o = 0u; o < 8u; o++) { sum[o] += w[o / 4u][o % 4u] * v; }
      }
    }
    for (var o = 0u; o < 8u; o++) { acc[o] += sum[o]; }
  }
  for (var o = 0u; o < 8u; o++) {
    let own = out_0 + own_out * 4u + o;
    if own < out_per_group {
      let channel = channel_group * out_per_group + own;
      let b = select(0.0, bias[channel], params.has_bias != 0u);
      let s = select(1.0, scale[channel], params.has_scale != 0u);
      var result: vec4f;
      for (var p = 0u; p < 4u; p++) { result[p] = activate(ACTIVATION, acc[o][p] * s + b); }
      store_output(part * total * params.c_out + (image * params.c_out + channel) * plane_out + pixel, known, result);
    }
  }
}
