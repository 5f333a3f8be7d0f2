// Weight gradient of a 2-d convolution as a product of cooperative matrices (tensor cores), for layers of many channels in mixed precision.
// A workgroup of four subgroups takes one tap, OUT output and IN input channels of one group, and one span of output pixels in steps of
// DEPTH, which it rounds to f16 in workgroup memory; of these each subgroup multiplies 4 × 2 matrices of SIZE × SIZE. More than four
// subgroups, and the way of the sums: as in conv2d_coop.
// Launcher:  kernels/conv2d/matrices.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.grad.conv2d_weight under torch.autocast
// Grid:      spans × taps × blocks of channels, folded past 65 535 groups.
// Numerics:  f16 operands, f32 sums of SIZE pixels in the device's order, these in order, then partial sums in order (sum_partials).
enable f16;
enable wgpu_cooperative_matrix;
const SIZE = 16u;
const LANES = 32u; // of a subgroup, the most that this device has
const STACKED = 2u; // subgroups below each other, the others beside them
const DEPTH = 32u;
const SUBGROUPS = 4u;
const INVOCATIONS = SUBGROUPS * LANES;
const BESIDE = SUBGROUPS / STACKED;
const OUT = STACKED * 4u * SIZE;
const IN = BESIDE * 2u * SIZE;
// Rows of both tiles are moved by 16 bytes against each other, so that a matrix is not read from the same banks.
const PITCH = DEPTH + 8u;
const PACKED = 0u; // see shared/numbers.wgsl
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Element>;      // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;    // [n, c_out, h_out, w_out]
@group(0) @binding(2) var<storage, read_write> partials: array<f32>; // [spans, c_out, c_in / groups, kernel_h, kernel_w]
//!include shared/matrices16.wgsl
//!include shared/element.wgsl
//!include shared/numbers.wgsl
var<workgroup> gradients: array<f16, OUT * PITCH>;      // [OUT][PITCH], DEPTH of a row used
var<workgroup> pixels: array<f16, IN * PITCH>;          // [IN][PITCH], DEPTH of a row used
var<workgroup> sums: array<f32, SUBGROUPS * SIZE * 2u * SIZE>; // [subgroup][SIZE][2·SIZE]

@compute @workgroup_size(INVOCATIONS)
fn conv2d_grad_weight_coop(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup_id: u32,
) {
  let flat = group.y * groups.x + group.x; // see conv2d_coop
  let out_per_group = params.c_out / params.groups;
  let in_per_group = params.c_in / params.groups;
  let out_blocks = (out_per_group + OUT - 1u) / OUT;
  let in_blocks = (in_per_group + IN - 1u) / IN;
  let taps = params.kernel_h * params.kernel_w;
  let span = flat % params.spans;
  let tap = flat / params.spans % taps;
  let block = flat / (params.spans * taps);
  let in_0 = block % in_blocks * IN;
  let out_0 = block / in_blocks % out_blocks * OUT;
  let channel_group = block / (in_blocks * out_blocks);
  if channel_group >= params.groups { return; }
  let plane_out = params.h_out * params.w_out;
  let plane_in = params.h_in * params.w_in;
  let total = params.n * plane_out;
  let length = (total + params.spans - 1u) / params.spans;
  let end = min((span + 1u) * length, total);
  let dy = i32(tap / params.kernel_w * params.dilation) - i32(params.padding);
  let dx = i32(tap % params.kernel_w * params.dilation) - i32(params.padding);
  let subgroup = min(subgroup_id, SUBGROUPS - 1u);
  let own_out = subgroup / BESIDE * 4u * SIZE * PITCH;
  let own_in = subgroup % BESIDE * 2u * SIZE * PITCH;
  let own_sums = subgroup * 2u * SIZE * SIZE;

  // Named one by one, so that no compiler looks for them in memory.
  var c00: Sums; var c01: Sums;
  var c10: Sums; var c11: Sums;
  var c20: Sums; var c21: Sums;
  var c30: Sums; var c31: Sums;
  for (var start = span * length; start < end; start += DEPTH) {
    // The pixel that this invocation brings, of every channel: a workgroup is whole steps wide.
    let own = local % DEPTH;
    let known = start + own < end;
    let at = min(start + own, end - 1u);
    let image = at / plane_out;
    let pixel = at % plane_out;
    let row = i32(pixel / params.w_out * params.stride) + dy;
    let column = i32(pixel % params.w_out * params.stride) + dx;
    let inside = known && row >= 0 && row < i32(params.h_in) && column >= 0 && column < i32(params.w_in);
    let out_at = (image * params.c_out + channel_group * out_per_group) * plane_out + pixel;
    let in_at = (image * params.c_in + channel_group * in_per_group) * plane_in
      + select(0u, u32(row) * params.w_in + u32(column), inside);
    workgroupBarrier();
    for (var o = local / DEPTH; o < OUT; o += INVOCATIONS / DEPTH) {
      let read = grad_output[out_at + min(out_0 + o, out_per_group - 1u) * plane_out];
      gradients[o * PITCH + own] = f16(select(0.0, read, known));
    }
    for (var i = local / DEPTH; i < IN; i += INVOCATIONS / DEPTH) {
      let read = element(in_at + min(in_0 + i, in_per_group - 1u) * plane_in);
      pixels[i * PITCH + own] = f16(select(0.0, read, inside));
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += SIZE) {
      let b0 = coopLoad<Right>(&pixels[own_in + k], PITCH);
      let b1 = coopLoad<Right>(&pixels[own_in + SIZE * PITCH + k], PITCH);
      let a0 = coopLoadT<Left>(&gradients[own_out + k], PITCH);
      c00 = coopMultiplyAdd(a0, b0, c00);
      c01 = coopMultiplyAdd(a0, b1, c01);
      let a1 = coopLoadT<Left>(&gradients[own_out + SIZE * PITCH + k], PITCH);
      c10 = coopMultiplyAdd(a1, b0, c10);
      c11 = coopMultiplyAdd(a1, b1, c11);
      let a2 = coopLoadT<Left>(&gradients[own_out + 2u * SIZE * PITCH + k], PITCH);
      c20 = coopMultiplyAdd(a2, b0, c20);
      c21 = coopMultiplyAdd(a2, b1, c21);
      let a3 = coopLoadT<Left>(&gradients[own_out + 3u * SIZE * PITCH + k], PITCH);
      c30 = coopMultiplyAdd(a3, b0, c30);
      c31 = coopMultiplyAdd(a3, b1, c31);
    }
  }
  let corner = Corner(span, tap, channel_group, out_0, in_0);
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
struct Corner { span: u32, tap: u32, channel_group: u32, out_0: u32, in_0: u32 }

// Stores the results whose sums lie in workgroup memory: of each subgroup the matrices numbered `down` from above.
fn finish(corner: Corner, down: u32, local: u32) {
  let out_per_group = params.c_out / params.groups;
  let in_per_group = params.c_in / params.groups;
  workgroupBarrier();
  for (var e = local; e < SUBGROUPS * SIZE * 2u * SIZE; e += INVOCATIONS) {
    let subgroup = e / (2u * SIZE * SIZE);
    let o = corner.out_0 + (subgroup / BESIDE * 4u + down) * SIZE + e / (2u * SIZE) % SIZE;
    let i = corner.in_0 + subgroup % BESIDE * 2u * SIZE + e % (2u * SIZE);
    if o < out_per_group && i < in_per_group {
      let channel = corner.span * params.c_out + corner.channel_group * out_per_group + o;
      partials[(channel * in_per_group + i) * params.kernel_h * params.kernel_w + corner.tap] = sums[e];
    }
  }
  workgroupBarrier();
}
