// 2-d convolution of any stride, padding, dilation and groups; right on every device:
//   y[n,o,r,c] = act(bias[o] + scale[o] · Σ_{i,ky,kx} w[o,i,ky,kx] · x[n, g·c_in/groups + i, at(r,ky), at(c,kx)]),
//   at(r,k) = r·stride + k·dilation − padding.
// One invocation computes PIXELS pixels (64 apart, so neighbours read neighbours) × OUT output channels of one group.
// Launcher:  kernels/conv2d/launch.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.functional.conv2d
// Grid:      64·PIXELS output pixels × OUT channels of an image a workgroup, folded past 65 535 groups.
// Numerics:  f32; sums of CHANNELS input channels, so that long sums lose less: for each tap in order, channels in order.
const PIXELS = 4u;
const OUT = 8u;
const CHANNELS = 8u;
const ACTIVATION = 0u;
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;        // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [c_out, c_in / groups, kernel_h, kernel_w]
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [c_out] where has_bias
@group(0) @binding(3) var<storage, read> scale: array<f32>;        // [c_out] where has_scale
@group(0) @binding(4) var<storage, read_write> output: array<f32>; // [n, c_out, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl
//!include shared/pack1.wgsl

@compute @workgroup_size(64)
fn conv2d(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let pixels = params.h_out * params.w_out;
  let pixel_blocks = (pixels + 64u * PIXELS - 1u) / (64u * PIXELS);
  let out_per_group = params.c_out / params.groups;
  let in_per_group = params.c_in / params.groups;
  let out_blocks = (out_per_group + OUT - 1u) / OUT;
  let flat = flat_group(group, groups);
  let pixel_0 = (flat % pixel_blocks) * 64u * PIXELS + local;
  let block = (flat / pixel_blocks) % (out_blocks * params.groups);
  let image = flat / (pixel_blocks * out_blocks * params.groups);
  if image >= params.n { return; }
  let channel_group = block / out_blocks;
  let out_0 = (block % out_blocks) * OUT;
  let taps = params.kernel_h * params.kernel_w;

  var y: array<i32, PIXELS>;
  var x: array<i32, PIXELS>;
  for (var p = 0u; p < PIXELS; p++) {
    let pixel = min(pixel_0 + p * 64u, pixels - 1u);
    y[p] = i32((pixel / params.w_out) * params.stride) - i32(params.padding);
    x[p] = i32((pixel % params.w_out) * params.stride) - i32(params.padding);
  }
  var weight_at: array<u32, OUT>;
  for (var o = 0u; o < OUT; o++) { weight_at[o] = (channel_group * out_per_group + min(out_0 + o, out_per_group - 1u)) * in_per_group * taps; }

  var acc: array<array<f32, PIXELS>, OUT>;
  for (var first = 0u; first < in_per_group; first += CHANNELS) {
    var sum: array<array<f32, PIXELS>, OUT>;
    let end = min(first + CHANNELS, in_per_group);
    for (var tap = 0u; tap < taps; tap++) {
      let dy = i32(tap / params.kernel_w * params.dilation);
      let dx = i32(tap % params.kernel_w * params.dilation);
      var inside: array<bool, PIXELS>;
      var at: array<u32, PIXELS>;
      for (var p = 0u; p < PIXELS; p++) {
        let row = y[p] + dy;
        let column = x[p] + dx;
        inside[p] = row >= 0 && row < i32(params.h_in) && column >= 0 && column < i32(params.w_in);
        at[p] = select(0u, u32(row) * params.w_in + u32(column), inside[p]);
      }
      for (var i = first; i < end; i++) {
        let plane = (image * params.c_in + channel_group * in_per_group + i) * params.h_in * params.w_in;
        var v: array<f32, PIXELS>;
        for (var p = 0u; p < PIXELS; p++) { v[p] = operand(select(0.0, input[plane + at[p]], inside[p])); }
        for (var o = 0u; o < OUT; o++) {
          let w = operand(weight[weight_at[o] + i * taps + tap]);
          for (var p = 0u; p < PIXELS; p++) { sum[o][p] += w * v[p]; }
        }
      }
    }
    for (var o = 0u; o < OUT; o++) {
      for (var p = 0u; p < PIXELS; p++) { acc[o][p] += sum[o][p]; }
    }
  }
  for (var o = 0u; o < OUT; o++) {
    if out_0 + o < out_per_group {
      let channel = channel_group * out_per_group + out_0 + o;
      let b = select(0.0, bias[channel], params.has_bias != 0u);
      let s = select(1.0, scale[channel], params.has_scale != 0u);
      for (var p = 0u; p < PIXELS; p++) {
        if pixel_0 + p * 64u < pixels { output[(image * params.c_out + channel) * pixels + pixel_0 + p * 64u] = activate(ACTIVATION, acc[o][p] * s + b); }
      }
    }
  }
}
