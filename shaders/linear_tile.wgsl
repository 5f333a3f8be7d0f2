// Rows by a matrix through workgroup memory, for GPUs: y[r,o] = act(bias[o] + Σ_i w[o,i] · x[r,i]), and with TRANSPOSED
// y[r,o] = Σ_i w[i,o] · x[r,i]; the sums of linear.wgsl in their order, so that both give the same bits.
// A workgroup computes ROWS rows × COLUMNS columns in steps of 8 terms, which it reads once into workgroup memory; each invocation sums the
// products of 8 rows and 4 columns.
// Launcher:  kernels/linear.rs   Reference: src/reference/linear.rs   PyTorch: torch.nn.functional.linear
// Grid:      ROWS rows × COLUMNS columns a workgroup, those of the same rows side by side, folded past 65 535 groups.
// Numerics:  f32; terms in order.
const ROWS = 64u;
const COLUMNS = 64u;
const ACTIVATION = 0u;
const TRANSPOSED = 0u;
const HALF = 0u; // see shared/operand.wgsl
const INVOCATIONS = ROWS / 8u * (COLUMNS / 4u);
struct Params { rows: u32, depth: u32, columns: u32, has_bias: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;        // [rows, depth]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [columns, depth]; [depth, columns] where TRANSPOSED
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [columns] where has_bias
@group(0) @binding(3) var<storage, read_write> output: array<f32>; // [rows, columns]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl
//!include shared/pack1.wgsl
var<workgroup> inputs: array<vec4f, 2u * ROWS>;     // [quad of terms][ROWS]
var<workgroup> weights: array<vec4f, 2u * COLUMNS>; // [quad of terms][COLUMNS]

@compute @workgroup_size(INVOCATIONS)
fn linear_tile(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let flat = flat_group(group, groups);
  let across = (params.columns + COLUMNS - 1u) / COLUMNS;
  let row_0 = flat / across * ROWS;
  let column_0 = flat % across * COLUMNS;
  if row_0 >= params.rows { return; }
  // Neighbours bring terms that lie side by side: two quads of a row, or columns of a transposed matrix.
  let step = select(1u, params.columns, TRANSPOSED == 1u);

  // Rows own_row + 0…7, and columns COLUMNS/4 apart.
  let own_row = local / (COLUMNS / 4u) * 8u;
  let own_column = local % (COLUMNS / 4u);
  var acc: array<vec4f, 8>;
  for (var first = 0u; first < params.depth; first += 8u) {
    workgroupBarrier();
    for (var e = local; e < 2u * ROWS; e += INVOCATIONS) {
      let at = min(row_0 + e / 2u, params.rows - 1u) * params.depth;
      var read: vec4f;
      for (var k = 0u; k < 4u; k++) {
        let i = first + e % 2u * 4u + k;
        read[k] = select(0.0, input[at + min(i, params.depth - 1u)], i < params.depth);
      }
      inputs[e % 2u * ROWS + e / 2u] = operand4(read);
    }
    for (var e = local; e < 2u * COLUMNS; e += INVOCATIONS) {
      let quad = select(e % 2u, e / COLUMNS, TRANSPOSED == 1u);
      let column = select(e / 2u, e % COLUMNS, TRANSPOSED == 1u);
      let known = min(column_0 + column, params.columns - 1u);
      let at = select(known * params.depth, known, TRANSPOSED == 1u);
      var read: vec4f;
      for (var k = 0u; k < 4u; k++) {
        let i = first + quad * 4u + k;
        read[k] = select(0.0, weight[at + min(i, params.depth - 1u) * step], i < params.depth);
      }
      weights[quad * COLUMNS + column] = operand4(read);
    }
    workgroupBarrier();
    for (var q = 0u; q < 2u; q++) {
      // One vector for each of the four terms, of the four columns.
      var w: array<vec4f, 4>;
      for (var c = 0u; c < 4u; c++) {
        let read = weights[q * COLUMNS + own_column + c * (COLUMNS / 4u)];
        for (var k = 0u; k < 4u; k++) { w[k][c] = read[k]; }
      }
      for (var r = 0u; r < 8u; r++) {
        let x = inputs[q * ROWS + own_row + r];
        for (var k = 0u; k < 4u; k++) { acc[r] += x[k] * w[k]; }
      }
    }
  }
  for (var r = 0u; r < 8u; r++) {
    for (var c = 0u; c < 4u; c++) {
      let column = column_0 + own_column + c * (COLUMNS / 4u);
      if row_0 + own_row + r < params.rows && column < params.columns {
        let b = select(0.0, bias[column], params.has_bias != 0u);
        output[(row_0 + own_row + r) * params.columns + column] = activate(ACTIVATION, acc[r][c] + b);
      }
    }
  }
}
