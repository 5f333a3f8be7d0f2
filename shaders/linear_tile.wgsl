// Rows by a matrix through workgroup memory, for GPUs: y[r,o] = act(bias[o] + Σ_i w[o,i] · x[r,i]), and with TRANSPOSED
// y[r,o] = Σ_i w[i,o] · x[r,i]; the sums of linear.wgsl in their order, so that both give the same bits.
// A workgroup computes ROWS rows × COLUMNS columns in steps of 8 terms, which it reads once into workgroup memory, four at once where they
// lie side by side in whole packs; each invocation sums the products of 8 rows and 4 columns.
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
@group(0) @binding(0) var<storage, read> input: array<Input>;      // [rows, depth]
@group(0) @binding(1) var<storage, read> weight: array<Weight>;    // [columns, depth]; [depth, columns] where TRANSPOSED
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [columns] where has_bias
@group(0) @binding(3) var<storage, read_write> output: array<f32>; // [rows, columns]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl
//!include shared/pack1.wgsl
//!include shared/input4.wgsl
//!include shared/weight4.wgsl
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
      let i = vec4u(first + e % 2u * 4u) + vec4u(0u, 1u, 2u, 3u);
      let read = read_input(min(row_0 + e / 2u, params.rows - 1u) * params.depth + min(i, vec4u(params.depth - 1u)));
      inputs[e % 2u * ROWS + e / 2u] = operand4(select(vec4f(0.0), read, i < vec4u(params.depth)));
    }
    for (var e = local; e < 2u * COLUMNS; e += INVOCATIONS) {
      let quad = select(e % 2u, e / COLUMNS, TRANSPOSED == 1u);
      let column = select(e / 2u, e % COLUMNS, TRANSPOSED == 1u);
      let known = min(column_0 + column, params.columns - 1u);
      let at = select(known * params.depth, known, TRANSPOSED == 1u);
      let i = vec4u(first + quad * 4u) + vec4u(0u, 1u, 2u, 3u);
      let read = read_weight(at + min(i, vec4u(params.depth - 1u)) * step);
      weights[quad * COLUMNS + column] = operand4(select(vec4f(0.0), read, i < vec4u(params.depth)));
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
