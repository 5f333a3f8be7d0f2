// Gradients of weight and bias of rows by a matrix, over one span of the rows: ∂L/∂w[o,i] = Σ_r dy[r,o] · x[r,i], ∂L/∂b[o] = Σ_r dy[r,o].
// The spans are added in order by sum_partials.
// One invocation computes a tile of TILE × TILE weights.
// Launcher:  kernels/linear.rs   Reference: src/reference/linear.rs
// Grid:      64 pairs of a tile and a span a workgroup, tile fastest, folded past 65 535 groups.
// Numerics:  f32; rows of a span in order.
const TILE = 4u;
const HALF = 0u; // see shared/operand.wgsl
struct Params { rows: u32, c_in: u32, c_out: u32, span: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;             // [rows, c_in]
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;       // [rows, c_out]
@group(0) @binding(2) var<storage, read_write> grad_weight: array<f32>; // [spans, c_out, c_in]
@group(0) @binding(3) var<storage, read_write> grad_bias: array<f32>;   // [spans, c_out]
//!include shared/flat.wgsl
//!include shared/operand.wgsl

@compute @workgroup_size(64)
fn linear_grad_weight(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = flat_group(group, groups) * 64u + local;
  let across = (params.c_in + TILE - 1u) / TILE;
  let tiles = (params.c_out + TILE - 1u) / TILE * across;
  let span = flat / tiles;
  let tile = flat % tiles;
  let out_0 = tile / across * TILE;
  let in_0 = tile % across * TILE;
  if span * params.span >= params.rows { return; }

  // Past the last channels the last ones stand in, whose sums are not stored.
  var out_at: array<u32, TILE>;
  for (var o = 0u; o < TILE; o++) { out_at[o] = min(out_0 + o, params.c_out - 1u); }
  var in_at: array<u32, TILE>;
  for (var i = 0u; i < TILE; i++) { in_at[i] = min(in_0 + i, params.c_in - 1u); }

  var acc: array<array<f32, TILE>, TILE>;
  var sum: array<f32, TILE>;
  for (var row = span * params.span; row < min((span + 1u) * params.span, params.rows); row++) {
    var x: array<f32, TILE>;
    for (var i = 0u; i < TILE; i++) { x[i] = operand(input[row * params.c_in + in_at[i]]); }
    for (var o = 0u; o < TILE; o++) {
      let own = grad_output[row * params.c_out + out_at[o]];
      let dy = operand(own);
      sum[o] += own;
      for (var i = 0u; i < TILE; i++) { acc[o][i] += dy * x[i]; }
    }
  }
  for (var o = 0u; o < TILE; o++) {
    if out_0 + o < params.c_out {
      for (var i = 0u; i < TILE; i++) {
        if in_0 + i < params.c_in { grad_weight[(span * params.c_out + out_0 + o) * params.c_in + in_0 + i] = acc[o][i]; }
      }
      if in_0 == 0u { grad_bias[span * params.c_out + out_0 + o] = sum[o]; }
    }
  }
}
