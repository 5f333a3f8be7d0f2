// Rows by a matrix as a product of cooperative matrices (tensor cores), in mixed precision: y[r,o] = act(bias[o] + Σ_i w[o,i] · x[r,i]),
// and with TRANSPOSED y[r,o] = Σ_i w[i,o] · x[r,i].
// A workgroup of four subgroups computes ROWS rows × COLUMNS columns in steps of DEPTH terms, which it rounds to f16 in workgroup memory;
// of these each subgroup multiplies 4 × 2 matrices of SIZE × SIZE. More than four subgroups, and the way of the sums: as in conv2d_coop.
// Launcher:  kernels/linear.rs   Reference: src/reference/linear.rs   PyTorch: torch.nn.functional.linear under torch.autocast
// Grid:      ROWS rows × COLUMNS columns a workgroup, those of the same rows side by side, folded past 65 535 groups.
// Numerics:  f16 operands, f32 sums of SIZE terms in the device's order, these in order.
enable f16;
enable wgpu_cooperative_matrix;
const SIZE = 16u;
const LANES = 32u; // of a subgroup, the most that this device has
const STACKED = 2u; // subgroups below each other, the others beside them
const ACTIVATION = 0u;
const TRANSPOSED = 0u;
const DEPTH = 32u;
const SUBGROUPS = 4u;
const INVOCATIONS = SUBGROUPS * LANES;
const BESIDE = SUBGROUPS / STACKED;
const ROWS = STACKED * 4u * SIZE;
const COLUMNS = BESIDE * 2u * SIZE;
// Rows of both tiles are moved by 16 bytes against each other, so that a matrix is not read from the same banks.
const PITCH = DEPTH + 8u;
const ACROSS = COLUMNS + 8u;
struct Params { rows: u32, depth: u32, columns: u32, has_bias: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;        // [rows, depth]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [columns, depth]; [depth, columns] where TRANSPOSED
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [columns] where has_bias
@group(0) @binding(3) var<storage, read_write> output: array<f32>; // [rows, columns]
//!include shared/matrices16.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl
//!include shared/pack1.wgsl
var<workgroup> inputs: array<f16, ROWS * PITCH>;        // [ROWS][PITCH], DEPTH of a row used
var<workgroup> weights: array<f16, COLUMNS * PITCH>;    // the same of COLUMNS; where TRANSPOSED [DEPTH][ACROSS], which is no longer
var<workgroup> sums: array<f32, SUBGROUPS * SIZE * 2u * SIZE>; // [subgroup][SIZE][2·SIZE]

@compute @workgroup_size(INVOCATIONS)
fn linear_coop(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup_id: u32,
) {
  let flat = group.y * groups.x + group.x; // see conv2d_coop
  let across = (params.columns + COLUMNS - 1u) / COLUMNS;
  let row_0 = flat / across * ROWS;
  let column_0 = flat % across * COLUMNS;
  if row_0 >= params.rows { return; }
  let subgroup = min(subgroup_id, SUBGROUPS - 1u);
  let own_row = subgroup / BESIDE * 4u * SIZE * PITCH;
  let own_column = subgroup % BESIDE * 2u * SIZE;
  let own_sums = subgroup * 2u * SIZE * SIZE;

  // Named one by one, so that no compiler looks for them in memory.
  var c00: Sums; var c01: Sums;
  var c10: Sums; var c11: Sums;
  var c20: Sums; var c21: Sums;
  var c30: Sums; var c31: Sums;
  for (var first = 0u; first < params.depth; first += DEPTH) {
    workgroupBarrier();
    for (var e = local; e < ROWS * DEPTH; e += INVOCATIONS) {
      let i = first + e % DEPTH;
      let read = input[min(row_0 + e / DEPTH, params.rows - 1u) * params.depth + min(i, params.depth - 1u)];
      inputs[e / DEPTH * PITCH + e % DEPTH] = f16(select(0.0, read, i < params.depth));
    }
    for (var e = local; e < COLUMNS * DEPTH; e += INVOCATIONS) {
      // Neighbours bring what lies side by side.
      let term = select(e % DEPTH, e / COLUMNS, TRANSPOSED == 1u);
      let column = select(e / DEPTH, e % COLUMNS, TRANSPOSED == 1u);
      let i = min(first + term, params.depth - 1u);
      let o = min(column_0 + column, params.columns - 1u);
      let read = weight[select(o * params.depth + i, i * params.columns + o, TRANSPOSED == 1u)];
      weights[select(column * PITCH + term, term * ACROSS + column, TRANSPOSED == 1u)] = f16(select(0.0, read, first + term < params.depth));
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k += SIZE) {
      var b0: Right;
      var b1: Right;
      if TRANSPOSED == 1u {
        b0 = coopLoadT<Right>(&weights[k * ACROSS + own_column], ACROSS);
        b1 = coopLoadT<Right>(&weights[k * ACROSS + own_column + SIZE], ACROSS);
      } else {
        b0 = coopLoad<Right>(&weights[own_column * PITCH + k], PITCH);
        b1 = coopLoad<Right>(&weights[(own_column + SIZE) * PITCH + k], PITCH);
      }
      let a0 = coopLoadT<Left>(&inputs[own_row + k], PITCH);
      c00 = coopMultiplyAdd(a0, b0, c00);
      c01 = coopMultiplyAdd(a0, b1, c01);
      let a1 = coopLoadT<Left>(&inputs[own_row + SIZE * PITCH + k], PITCH);
      c10 = coopMultiplyAdd(a1, b0, c10);
      c11 = coopMultiplyAdd(a1, b1, c11);
      let a2 = coopLoadT<Left>(&inputs[own_row + 2u * SIZE * PITCH + k], PITCH);
      c20 = coopMultiplyAdd(a2, b0, c20);
      c21 = coopMultiplyAdd(a2, b1, c21);
      let a3 = coopLoadT<Left>(&inputs[own_row + 3u * SIZE * PITCH + k], PITCH);
      c30 = coopMultiplyAdd(a3, b0, c30);
      c31 = coopMultiplyAdd(a3, b1, c31);
    }
  }
  let corner = Corner(row_0, column_0);
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
struct Corner { row_0: u32, column_0: u32 }

// Stores the results whose sums lie in workgroup memory: of each subgroup the matrices numbered `down` from above.
fn finish(corner: Corner, down: u32, local: u32) {
  workgroupBarrier();
  for (var e = local; e < SUBGROUPS * SIZE * 2u * SIZE; e += INVOCATIONS) {
    let subgroup = e / (2u * SIZE * SIZE);
    let row = corner.row_0 + (subgroup / BESIDE * 4u + down) * SIZE + e / (2u * SIZE) % SIZE;
    let column = corner.column_0 + subgroup % BESIDE * 2u * SIZE + e % (2u * SIZE);
    if row < params.rows && column < params.columns {
      let b = select(0.0, bias[column], params.has_bias != 0u);
      output[row * params.columns + column] = activate(ACTIVATION, sums[e] + b);
    }
  }
  workgroupBarrier();
}
