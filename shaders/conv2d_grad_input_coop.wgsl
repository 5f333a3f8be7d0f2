// Input gradient of a 2-d convolution as a product of cooperative matrices (tensor cores), for layers of many channels in mixed precision;
// also conv_transpose2d's forward, with bias.
// A workgroup of four subgroups computes IN input channels of one group × PIXELS pixels of one phase (y mod stride, x mod stride) of an
// image in steps of DEPTH output channels at one tap: it rounds their weights and gradients to f16 in workgroup memory, of which each
// subgroup multiplies 4 × 2 matrices of SIZE × SIZE. More than four subgroups, and the way of the sums: as in conv2d_coop.
// Launcher:  kernels/conv2d/matrices.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.grad.conv2d_input under torch.autocast
// Grid:      IN channels × PIXELS pixels of one phase of an image a workgroup, folded past 65 535 groups.
// Numerics:  f16 operands, f32 sums of SIZE products in the device's order: for each DEPTH channels, for each tap, channels in order.
enable f16;
enable wgpu_cooperative_matrix;
const SIZE = 16u;
const LANES = 32u; // of a subgroup, the most that this device has
const STACKED = 2u; // subgroups below each other, the others beside them
const DEPTH = 32u;
const SUBGROUPS = 4u;
const INVOCATIONS = SUBGROUPS * LANES;
const BESIDE = SUBGROUPS / STACKED;
const IN = STACKED * 4u * SIZE;
const PIXELS = BESIDE * 2u * SIZE;
// Rows of both tiles are moved by 16 bytes against each other, so that a matrix is not read from the same banks.
const WEIGHT_PITCH = IN + 8u;
const PIXEL_PITCH = PIXELS + 8u;
// Pixels that an invocation brings of a channel, and channels that the workgroup brings at once.
const PIXELS_OF_ONE = max(PIXELS / INVOCATIONS, 1u);
const CHANNELS_AT_ONCE = max(INVOCATIONS / PIXELS, 1u);
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<f32>;      // [n, c_out, h_out, w_out]
@group(0) @binding(1) var<storage, read> weight: array<f32>;           // [c_out, c_in / groups, kernel_h, kernel_w]
@group(0) @binding(2) var<storage, read> bias: array<f32>;             // [c_in] where has_bias
@group(0) @binding(3) var<storage, read_write> grad_input: array<f32>; // [n, c_in, h_in, w_in]
//!include shared/matrices16.wgsl
var<workgroup> weights: array<f16, DEPTH * WEIGHT_PITCH>; // [DEPTH][WEIGHT_PITCH], IN of a row used
var<workgroup> pixels: array<f16, DEPTH * PIXEL_PITCH>;   // [DEPTH][PIXEL_PITCH], PIXELS of a row used
var<workgroup> sums: array<f32, SUBGROUPS * SIZE * 2u * SIZE>;   // [subgroup][SIZE][2·SIZE]

@compute @workgroup_size(INVOCATIONS)
fn conv2d_grad_input_coop(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup_id: u32,
) {
  let flat = group.y * groups.x + group.x; // see conv2d_coop
  let stride = params.stride;
  let phase_w = (params.w_in + stride - 1u) / stride;
  let phase_pixels = ((params.h_in + stride - 1u) / stride) * phase_w;
  let pixel_blocks = (phase_pixels + PIXELS - 1u) / PIXELS;
  let out_per_group = params.c_out / params.groups;
  let in_per_group = params.c_in / params.groups;
  let in_blocks = (in_per_group + IN - 1u) / IN;
  let plane_out = params.h_out * params.w_out;
  let phase = (flat / pixel_blocks) % (stride * stride);
  let block = (flat / (pixel_blocks * stride * stride)) % (in_blocks * params.groups);
  let image = flat / (pixel_blocks * stride * stride * in_blocks * params.groups);
  if image >= params.n { return; }
  let pixel_0 = (flat % pixel_blocks) * PIXELS;
  let channel_group = block / in_blocks;
  let in_0 = (block % in_blocks) * IN;
  let taps = params.kernel_h * params.kernel_w;
  let first_channel = channel_group * out_per_group;

  // The pixels that this invocation brings; past the last one the last one stands in, whose sums are not stored.
  var y: array<u32, PIXELS_OF_ONE>;
  var x: array<u32, PIXELS_OF_ONE>;
  for (var p = 0u; p < PIXELS_OF_ONE; p++) {
    let pixel = min(pixel_0 + local % PIXELS + p * INVOCATIONS, phase_pixels - 1u);
    y[p] = (pixel / phase_w) * stride + phase / stride + params.padding;
    x[p] = (pixel % phase_w) * stride + phase % stride + params.padding;
  }
  // Multiples of the stride large enough to keep the phase tests below in unsigned range.
  let lift_y = stride * params.dilation * params.kernel_h;
  let lift_x = stride * params.dilation * params.kernel_w;
  let subgroup = min(subgroup_id, SUBGROUPS - 1u);
  let own_in = subgroup / BESIDE * 4u * SIZE;
  let own_pixel = subgroup % BESIDE * 2u * SIZE;
  let own_sums = subgroup * 2u * SIZE * SIZE;

  // Named one by one, so that no compiler looks for them in memory.
  var c00: Sums; var c01: Sums;
  var c10: Sums; var c11: Sums;
  var c20: Sums; var c21: Sums;
  var c30: Sums; var c31: Sums;
  for (var first = 0u; first < out_per_group; first += DEPTH) {
    for (var ky = 0u; ky < params.kernel_h; ky++) {
      if (phase / stride + params.padding + lift_y - ky * params.dilation) % stride != 0u { continue; }
      for (var kx = 0u; kx < params.kernel_w; kx++) {
        if (phase % stride + params.padding + lift_x - kx * params.dilation) % stride != 0u { continue; }
        let tap = ky * params.kernel_w + kx;
        workgroupBarrier();
        for (var p = 0u; p < PIXELS_OF_ONE; p++) {
          let row = i32(y[p]) - i32(ky * params.dilation);
          let column = i32(x[p]) - i32(kx * params.dilation);
          let inside = row >= 0 && row < i32(params.h_out * stride) && column >= 0 && column < i32(params.w_out * stride);
          let at = select(0u, u32(row) / stride * params.w_out + u32(column) / stride, inside);
          for (var k = local / PIXELS; k < DEPTH; k += CHANNELS_AT_ONCE) {
            let o = first + k;
            let read = grad_output[(image * params.c_out + first_channel + min(o, out_per_group - 1u)) * plane_out + at];
            pixels[k * PIXEL_PITCH + local % PIXELS + p * INVOCATIONS] = f16(select(0.0, read, inside && o < out_per_group));
          }
        }
        for (var e = local; e < DEPTH * IN; e += INVOCATIONS) {
          let o = first + e / IN;
          let i = min(in_0 + e % IN, in_per_group - 1u);
          let read = weight[((first_channel + min(o, out_per_group - 1u)) * in_per_group + i) * taps + tap];
          weights[e / IN * WEIGHT_PITCH + e % IN] = f16(select(0.0, read, o < out_per_group));
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k += SIZE) {
          let b0 = coopLoadT<Right>(&pixels[k * PIXEL_PITCH + own_pixel], PIXEL_PITCH);
          let b1 = coopLoadT<Right>(&pixels[k * PIXEL_PITCH + own_pixel + SIZE], PIXEL_PITCH);
          let a0 = coopLoad<Left>(&weights[k * WEIGHT_PITCH + own_in], WEIGHT_PITCH);
          c00 = coopMultiplyAdd(a0, b0, c00);
          c01 = coopMultiplyAdd(a0, b1, c01);
          let a1 = coopLoad<Left>(&weights[k * WEIGHT_PITCH + own_in + SIZE], WEIGHT_PITCH);
          c10 = coopMultiplyAdd(a1, b0, c10);
          c11 = coopMultiplyAdd(a1, b1, c11);
          let a2 = coopLoad<Left>(&weights[k * WEIGHT_PITCH + own_in + 2u * SIZE], WEIGHT_PITCH);
          c20 = coopMultiplyAdd(a2, b0, c20);
          c21 = coopMultiplyAdd(a2, b1, c21);
          let a3 = coopLoad<Left>(&weights[k * WEIGHT_PITCH + own_in + 3u * SIZE], WEIGHT_PITCH);
          c30 = coopMultiplyAdd(a3, b0, c30);
          c31 = coopMultiplyAdd(a3, b1, c31);
        }
      }
    }
  }
  let corner = Corner(image, channel_group, in_0, pixel_0, phase);
  coopStoreT(c00, &sums[own_sums], 2u * SIZE);
  coopStoreT(c01, &sums[own_sums + SIZE], 2u * SIZE);
  finish(corner, 0u, local);
  coopStoreT(c10, &sums[own_sums], 2u * SIZE);
  coopStoreT(c11, &sums[own_sums + SIZE], 2u * SIZE);
  finish(corner, 1u, local);
  coopStoreT(c20, &sums[own_sums], 2u * SIZE);
  coopStoreT(c21, &sums[own_sums + SIZE], 2u * SIZE);
  finish(corner, 2u, local);
  coopStoreT(c30, &sums[own_sums], 2u * SIZE);
  coopStoreT(c31, &sums[own_sums + SIZE], 2u * SIZE);
  finish(corner, 3u, local);
}

// Where a workgroup's results begin.
struct Corner { image: u32, channel_group: u32, in_0: u32, pixel_0: u32, phase: u32 }

// Stores the results whose sums lie in workgroup memory: of each subgroup the matrices numbered `down` from above.
fn finish(corner: Corner, down: u32, local: u32) {
  let stride = params.stride;
  let phase_w = (params.w_in + stride - 1u) / stride;
  let in_per_group = params.c_in / params.groups;
  workgroupBarrier();
  for (var e = local; e < SUBGROUPS * SIZE * 2u * SIZE; e += INVOCATIONS) {
    let subgroup = e / (2u * SIZE * SIZE);
    let own = corner.in_0 + (subgroup / BESIDE * 4u + down) * SIZE + e / (2u * SIZE) % SIZE;
    let pixel = corner.pixel_0 + subgroup % BESIDE * 2u * SIZE + e % (2u * SIZE);
    let y = (pixel / phase_w) * stride + corner.phase / stride;
    let x = (pixel % phase_w) * stride + corner.phase % stride;
    if own < in_per_group && y < params.h_in && x < params.w_in {
      let channel = corner.channel_group * in_per_group + own;
      let b = select(0.0, bias[channel], params.has_bias != 0u);
      grad_input[((corner.image * params.c_in + channel) * params.h_in + y) * params.w_in + x] = sums[e] + b;
    }
  }
  workgroupBarrier();
}
