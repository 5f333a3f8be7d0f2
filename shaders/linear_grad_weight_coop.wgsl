// Gradients of weight and bias of rows by a matrix as a product of cooperative matrices (tensor cores), in mixed precision, over one span
// of the rows: ∂L/∂w[o,i] = Σ_r dy[r,o] · x[r,i], ∂L/∂b[o] = Σ_r dy[r,o]. The spans are added in order by sum_partials.
// A workgroup of four subgroups computes OUT × IN weights in steps of DEPTH rows, which it rounds to f16 in workgroup memory; of these each
// subgroup multiplies 4 × 2 matrices of SIZE × SIZE. More than four subgroups, and the way of the sums: as in conv2d_coop.
// Launcher:  kernels/linear.rs   Reference: src/reference/linear.rs
// Grid:      a tile and a span a workgroup, tile fastest, folded past 65 535 groups.
// Numerics:  f16 operands, f32 sums of SIZE rows in the device's order, these in order; the bias's in f32, rows of a span in order.
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
const OUT_PITCH = OUT + 8u;
const IN_PITCH = IN + 8u;
struct Params { rows: u32, c_in: u32, c_out: u32, span: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;             // [rows, c_in]
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;       // [rows, c_out]
@group(0) @binding(2) var<storage, read_write> grad_weight: array<f32>; // [spans, c_out, c_in]
@group(0) @binding(3) var<storage, read_write> grad_bias: array<f32>;   // [spans, c_out]
//!include shared/matrices16.wgsl
var<workgroup> gradients: array<f16, DEPTH * OUT_PITCH>; // [DEPTH][OUT_PITCH], OUT of a row used
var<workgroup> inputs: array<f16, DEPTH * IN_PITCH>;     // [DEPTH][IN_PITCH], IN of a row used
var<workgroup> sums: array<f32, SUBGROUPS * SIZE * 2u * SIZE>;  // [subgroup][SIZE][2·SIZE]

@compute @workgroup_size(INVOCATIONS)
fn linear_grad_weight_coop(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup_id: u32,
) {
  let flat = group.y * groups.x + group.x; // see conv2d_coop
  let across = (params.c_in + IN - 1u) / IN;
  let tiles = (params.c_out + OUT - 1u) / OUT * across;
  let span = flat / tiles;
  let out_0 = flat % tiles / across * OUT;
  let in_0 = flat % tiles % across * IN;
  if span * params.span >= params.rows { return; }
  let end = min((span + 1u) * params.span, params.rows);
  let subgroup = min(subgroup_id, SUBGROUPS - 1u);
  let own_out = subgroup / BESIDE * 4u * SIZE;
  let own_in = subgroup % BESIDE * 2u * SIZE;
  let own_sums = subgroup * 2u * SIZE * SIZE;

  // Named one by one, so that no compiler looks for them in memory.
  var c00: Sums; var c01: Sums;
  var c10: Sums; var c11: Sums;
  var c20: Sums; var c21: Sums;
  var c30: Sums; var c31: Sums;
  for (var start = span * params.span; start < end; start += DEPTH) {
    workgroupBarrier();
    for (var e = local; e < DEPTH * OUT; e += INVOCATIONS) {
      let row = start + e / OUT;
      let read = grad_output[min(row, end - 1u) * params.c_out + min(out_0 + e % OUT, params.c_out - 1u)];
      gradients[e / OUT * OUT_PITCH + e % OUT] = f16(select(0.0, read, row < end));
    }
    for (var e = local; e < DEPTH * IN; e += INVOCATIONS) {
      let row = start + e / IN;
      let read = input[min(row, end - 1u) * params.c_in + min(in_0 + e % IN, params.c_in - 1u)];
      inputs[e / IN * IN_PITCH + e % IN] = f16(select(0.0, read, row < end));
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += SIZE) {
      let b0 = coopLoadT<Right>(&inputs[k * IN_PITCH + own_in], IN_PITCH);
      let b1 = coopLoadT<Right>(&inputs[k * IN_PITCH + own_in + SIZE], IN_PITCH);
      let a0 = coopLoad<Left>(&gradients[k * OUT_PITCH + own_out], OUT_PITCH);
      c00 = coopMultiplyAdd(a0, b0, c00);
      c01 = coopMultiplyAdd(a0, b1, c01);
      let a1 = coopLoad<Left>(&gradients[k * OUT_PITCH + own_out + SIZE], OUT_PITCH);
      c10 = coopMultiplyAdd(a1, b0, c10);
      c11 = coopMultiplyAdd(a1, b1, c11);
      let a2 = coopLoad<Left>(&gradients[k * OUT_PITCH + own_out + 2u * SIZE], OUT_PITCH);
      c20 = coopMultiplyAdd(a2, b0, c20);
      c21 = coopMultiplyAdd(a2, b1, c21);
      let a3 = coopLoad<Left>(&gradients[k * OUT_PITCH + own_out + 3u * SIZE], OUT_PITCH);
      c30 = coopMultiplyAdd(a3, b0, c30);
      c31 = coopMultiplyAdd(a3, b1, c31);
    }
  }
  let corner = Corner(span, out_0, in_0);
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

  // The bias's sums take gradients as they are, once of all tiles side by side.
  if in_0 == 0u {
    for (var o = out_0 + local; o < min(out_0 + OUT, params.c_out); o += INVOCATIONS) {
      var sum = 0.0;
      for (var row = span * params.span; row < end; row++) { sum += grad_output[row * params.c_out + o]; }
      grad_bias[span * params.c_out + o] = sum;
    }
  }
}

// Where a workgroup's results begin.
struct Corner { span: u32, out_0: u32, in_0: u32 }

// Stores the results whose sums lie in workgroup memory: of each subgroup the matrices numbered `down` from above.
fn finish(corner: Corner, down: u32, local: u32) {
  workgroupBarrier();
  for (var e = local; e < SUBGROUPS * SIZE * 2u * SIZE; e += INVOCATIONS) {
    let subgroup = e / (2u * SIZE * SIZE);
    let o = corner.out_0 + (subgroup / BESIDE * 4u + down) * SIZE + e / (2u * SIZE) % SIZE;
    let i = corner.in_0 + subgroup % BESIDE * 2u * SIZE + e % (2u * SIZE);
    if o < params.c_out && i < params.c_in { grad_weight[(corner.span * params.c_out + o) * params.c_in + i] = sums[e]; }
  }
  workgroupBarrier();
}
