// Rows by a matrix: y[r,o] = act(bias[o] + Σ_i w[o,i] · x[r,i]), and with TRANSPOSED the same by the matrix's other side,
// y[r,o] = Σ_i w[i,o] · x[r,i]: the gradient of the input of the first.
// One invocation computes a tile of ROWS rows × COLUMNS columns.
// Launcher:  kernels/linear.rs   Reference: src/reference/linear.rs   PyTorch: torch.nn.functional.linear
// Grid:      64 tiles a workgroup, those of the same rows side by side, folded past 65 535 groups.
// Numerics:  f32; terms in order.
const ROWS = 4u;
const COLUMNS = 4u;
const ACTIVATION = 0u;
const TRANSPOSED = 0u;
const HALF = 0u; // see shared/operand.wgsl
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

@compute @workgroup_size(64)
fn linear(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let flat = flat_group(group, groups) * 64u + local;
  let across = (params.columns + COLUMNS - 1u) / COLUMNS;
  let row_0 = flat / across * ROWS;
  let column_0 = flat % across * COLUMNS;
  if row_0 >= params.rows { return; }

  // Past the last row and column the last ones stand in, whose sums are not stored.
  var x_at: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) { x_at[r] = min(row_0 + r, params.rows - 1u) * params.depth; }
  let step = select(1u, params.columns, TRANSPOSED == 1u);
  var w_at: array<u32, COLUMNS>;
  for (var c = 0u; c < COLUMNS; c++) {
    let column = min(column_0 + c, params.columns - 1u);
    w_at[c] = select(column * params.depth, column, TRANSPOSED == 1u);
  }

  var acc: array<array<f32, COLUMNS>, ROWS>;
  for (var i = 0u; i < params.depth; i++) {
    var w: array<f32, COLUMNS>;
    for (var c = 0u; c < COLUMNS; c++) { w[c] = operand(weight[w_at[c] + i * step]); }
    for (var r = 0u; r < ROWS; r++) {
      let x = operand(input[x_at[r] + i]);
      for (var c = 0u; c < COLUMNS; c++) { acc[r][c] += x * w[c]; }
    }
  }
  for (var r = 0u; r < ROWS; r++) {
    for (var c = 0u; c < COLUMNS; c++) {
      let column = column_0 + c;
      if row_0 + r < params.rows && column < params.columns {
        let b = select(0.0, bias[column], params.has_bias != 0u);
        output[(row_0 + r) * params.columns + column] = activate(ACTIVATION, acc[r][c] + b);
      }
    }
  }
}
