// 2-d convolution as a product of cooperative matrices (tensor cores), for layers of many channels in mixed precision.
// A workgroup of four subgroups computes OUT output channels of one group × PIXELS pixels of an image in steps of DEPTH input channels at
// one tap: it rounds their weights and pixels to f16 in workgroup memory, of which each subgroup multiplies 4 × 2 matrices of SIZE × SIZE.
// The sums go through workgroup memory to bias, scale and activation. Where a workgroup has more than four subgroups the others do the
// fourth one's work once more and store the same.
// Launcher:  kernels/conv2d/matrices.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.functional.conv2d under torch.autocast
// Grid:      OUT output channels × PIXELS output pixels of an image a workgroup, folded past 65 535 groups.
// Numerics:  f16 operands, f32 sums of SIZE products in the device's order: for each DEPTH channels, for each tap, channels in order.
enable f16;
enable wgpu_cooperative_matrix;
const SIZE = 16u;
const LANES = 32u; // of a subgroup, the most that this device has
const STACKED = 2u; // subgroups below each other, the others beside them
const ACTIVATION = 0u;
const DEPTH = 32u;
const SUBGROUPS = 4u;
const INVOCATIONS = SUBGROUPS * LANES;
const BESIDE = SUBGROUPS / STACKED;
const OUT = STACKED * 4u * SIZE;
const PIXELS = BESIDE * 2u * SIZE;
// Rows of both tiles are moved by 16 bytes against each other, so that a matrix is not read from the same banks.
const WEIGHT_PITCH = DEPTH + 8u;
const PIXEL_PITCH = PIXELS + 8u;
// Pixels that an invocation brings of a channel, and channels that the workgroup brings at once.
const PIXELS_OF_ONE = max(PIXELS / INVOCATIONS, 1u);
const CHANNELS_AT_ONCE = max(INVOCATIONS / PIXELS, 1u);
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;        // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [c_out, c_in / groups, kernel_h, kernel_w]
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [c_out] where has_bias
@group(0) @binding(3) var<storage, read> scale: array<f32>;        // [c_out] where has_scale
@group(0) @binding(4) var<storage, read_write> output: array<f32>; // [n, c_out, h_out, w_out]
//!include shared/matrices16.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl
//!include shared/pack1.wgsl
var<workgroup> weights: array<f16, OUT * WEIGHT_PITCH>;  // [OUT][WEIGHT_PITCH], DEPTH of a row used
var<workgroup> pixels: array<f16, DEPTH * PIXEL_PITCH>;  // [DEPTH][PIXEL_PITCH], PIXELS of a row used
var<workgroup> sums: array<f32, SUBGROUPS * SIZE * 2u * SIZE>;  // [subgroup][SIZE][2·SIZE]

@compute @workgroup_size(INVOCATIONS)
fn conv2d_coop(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup_id: u32,
) {
  let plane_out = params.h_out * params.w_out;
  let plane_in = params.h_in * params.w_in;
  let pixel_blocks = (plane_out + PIXELS - 1u) / PIXELS;
  let out_per_group = params.c_out / params.groups;
  let in_per_group = params.c_in / params.groups;
  let out_blocks = (out_per_group + OUT - 1u) / OUT;
  // (Not by flat_group: naga takes what functions return for different in each invocation, and then refuses matrices.)
  let flat = group.y * groups.x + group.x;
  let block = (flat / pixel_blocks) % (out_blocks * params.groups);
  let image = flat / (pixel_blocks * out_blocks * params.groups);
  if image >= params.n { return; }
  let pixel_0 = (flat % pixel_blocks) * PIXELS;
  let channel_group = block / out_blocks;
  let out_0 = (block % out_blocks) * OUT;
  let taps = params.kernel_h * params.kernel_w;
  let first_plane = image * params.c_in + channel_group * in_per_group;

  // The pixels that this invocation brings; past the last one the last one stands in, whose sums are not stored.
  var y: array<i32, PIXELS_OF_ONE>;
  var x: array<i32, PIXELS_OF_ONE>;
  for (var p = 0u; p < PIXELS_OF_ONE; p++) {
    let pixel = min(pixel_0 + local % PIXELS + p * INVOCATIONS, plane_out - 1u);
    y[p] = i32(pixel / params.w_out * params.stride) - i32(params.padding);
    x[p] = i32(pixel % params.w_out * params.stride) - i32(params.padding);
  }
  let subgroup = min(subgroup_id, SUBGROUPS - 1u);
  let own_out = subgroup / BESIDE * 4u * SIZE * WEIGHT_PITCH;
  let own_pixel = subgroup % BESIDE * 2u * SIZE;
  let own_sums = subgroup * 2u * SIZE * SIZE;

  // Named one by one, so that no compiler looks for them in memory.
  var c00: Sums; var c01: Sums;
  var c10: Sums; var c11: Sums;
  var c20: Sums; var c21: Sums;
  var c30: Sums; var c31: Sums;
  for (var first = 0u; first < in_per_group; first += DEPTH) {
    for (var tap = 0u; tap < taps; tap++) {
      workgroupBarrier();
      for (var p = 0u; p < PIXELS_OF_ONE; p++) {
        let row = y[p] + i32(tap / params.kernel_w * params.dilation);
        let column = x[p] + i32(tap % params.kernel_w * params.dilation);
        let inside = row >= 0 && row < i32(params.h_in) && column >= 0 && column < i32(params.w_in);
        let at = select(0u, u32(row) * params.w_in + u32(column), inside);
        for (var k = local / PIXELS; k < DEPTH; k += CHANNELS_AT_ONCE) {
          let i = first + k;
          let read = input[(first_plane + min(i, in_per_group - 1u)) * plane_in + at];
          pixels[k * PIXEL_PITCH + local % PIXELS + p * INVOCATIONS] = f16(select(0.0, read, inside && i < in_per_group));
        }
      }
      for (var e = local; e < OUT * DEPTH; e += INVOCATIONS) {
        let i = first + e % DEPTH;
        let channel = channel_group * out_per_group + min(out_0 + e / DEPTH, out_per_group - 1u);
        let read = weight[(channel * in_per_group + min(i, in_per_group - 1u)) * taps + tap];
        weights[e / DEPTH * WEIGHT_PITCH + e % DEPTH] = f16(select(0.0, read, i < in_per_group));
      }
      workgroupBarrier();
      for (var k = 0u; k < DEPTH; k += SIZE) {
        let b0 = coopLoadT<Right>(&pixels[k * PIXEL_PITCH + own_pixel], PIXEL_PITCH);
        let b1 = coopLoadT<Right>(&pixels[k * PIXEL_PITCH + own_pixel + SIZE], PIXEL_PITCH);
        let a0 = coopLoadT<Left>(&weights[own_out + k], WEIGHT_PITCH);
        c00 = coopMultiplyAdd(a0, b0, c00);
        c01 = coopMultiplyAdd(a0, b1, c01);
        let a1 = coopLoadT<Left>(&weights[own_out + SIZE * WEIGHT_PITCH + k], WEIGHT_PITCH);
        c10 = coopMultiplyAdd(a1, b0, c10);
        c11 = coopMultiplyAdd(a1, b1, c11);
        let a2 = coopLoadT<Left>(&weights[own_out + 2u * SIZE * WEIGHT_PITCH + k], WEIGHT_PITCH);
        c20 = coopMultiplyAdd(a2, b0, c20);
        c21 = coopMultiplyAdd(a2, b1, c21);
        let a3 = coopLoadT<Left>(&weights[own_out + 3u * SIZE * WEIGHT_PITCH + k], WEIGHT_PITCH);
        c30 = coopMultiplyAdd(a3, b0, c30);
        c31 = coopMultiplyAdd(a3, b1, c31);
      }
    }
  }
  let corner = Corner(image, channel_group, out_0, pixel_0);
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
struct Corner { image: u32, channel_group: u32, out_0: u32, pixel_0: u32 }

// Stores the results whose sums lie in workgroup memory: of each subgroup the matrices numbered `down` from above.
fn finish(corner: Corner, down: u32, local: u32) {
  let plane_out = params.h_out * params.w_out;
  let out_per_group = params.c_out / params.groups;
  workgroupBarrier();
  for (var e = local; e < SUBGROUPS * SIZE * 2u * SIZE; e += INVOCATIONS) {
    let subgroup = e / (2u * SIZE * SIZE);
    let own = corner.out_0 + (subgroup / BESIDE * 4u + down) * SIZE + e / (2u * SIZE) % SIZE;
    let pixel = corner.pixel_0 + subgroup % BESIDE * 2u * SIZE + e % (2u * SIZE);
    if own < out_per_group && pixel < plane_out {
      let channel = corner.channel_group * out_per_group + own;
      let b = select(0.0, bias[channel], params.has_bias != 0u);
      let s = select(1.0, scale[channel], params.has_scale != 0u);
      output[(corner.image * params.c_out + channel) * plane_out + pixel] = activate(ACTIVATION, sums[e] * s + b);
    }
  }
  workgroupBarrier();
}
