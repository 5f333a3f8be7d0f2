// Gradients of weight and bias of rows by a matrix through workgroup memory, for GPUs, over one span of the rows:
// ∂L/∂w[o,i] = Σ_r dy[r,o] · x[r,i], ∂L/∂b[o] = Σ_r dy[r,o]; the sums of linear_grad_weight.wgsl in their order, so that both give the
// same bits. The spans are added in order by sum_partials.
// A workgroup computes TILE × TILE weights in steps of 8 rows, which it reads once into workgroup memory, four channels at once where rows
// are whole packs; each invocation sums the products of 8 output and 4 input channels.
// Launcher:  kernels/linear.rs   Reference: src/reference/linear.rs
// Grid:      a tile and a span a workgroup, tile fastest, folded past 65 535 groups.
// Numerics:  f32; rows of a span in order.
const TILE = 64u;
const HALF = 0u; // see shared/operand.wgsl
const INVOCATIONS = TILE / 8u * (TILE / 4u);
struct Params { rows: u32, c_in: u32, c_out: u32, span: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Input>;            // [rows, c_in]
@group(0) @binding(1) var<storage, read> grad_output: array<GradOutput>; // [rows, c_out]
@group(0) @binding(2) var<storage, read_write> grad_weight: array<f32>; // [spans, c_out, c_in]
@group(0) @binding(3) var<storage, read_write> grad_bias: array<f32>;   // [spans, c_out]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/input4.wgsl
//!include shared/grad_output4.wgsl
var<workgroup> gradients: array<vec4f, 2u * TILE>; // [8 rows][TILE]
var<workgroup> inputs: array<vec4f, 2u * TILE>;     // [8 rows][TILE]

@compute @workgroup_size(INVOCATIONS)
fn linear_grad_weight_tile(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = flat_group(group, groups);
  let across = (params.c_in + TILE - 1u) / TILE;
  let tiles = (params.c_out + TILE - 1u) / TILE * across;
  let span = flat / tiles;
  let out_0 = flat % tiles / across * TILE;
  let in_0 = flat % tiles % across * TILE;
  if span * params.span >= params.rows { return; }
  let end = min((span + 1u) * params.span, params.rows);

  let own_out = local / (TILE / 4u) * 2u;
  let own_in = local % (TILE / 4u);
  var acc: array<vec4f, 8>;
  var sum: array<f32, 8>;
  for (var start = span * params.span; start < end; start += 8u) {
    workgroupBarrier();
    for (var e = local; e < 2u * TILE; e += INVOCATIONS) {
      let row = start + e / (TILE / 4u);
      let channel = min(vec4u(out_0 + e % (TILE / 4u) * 4u) + vec4u(0u, 1u, 2u, 3u), vec4u(params.c_out - 1u));
      let read = read_grad_output(min(row, end - 1u) * params.c_out + channel);
      gradients[e] = select(vec4f(0.0), read, row < end);
    }
    for (var e = local; e < 2u * TILE; e += INVOCATIONS) {
      let row = start + e / (TILE / 4u);
      let channel = min(vec4u(in_0 + e % (TILE / 4u) * 4u) + vec4u(0u, 1u, 2u, 3u), vec4u(params.c_in - 1u));
      let read = read_input(min(row, end - 1u) * params.c_in + channel);
      inputs[e] = operand4(select(vec4f(0.0), read, row < end));
    }
    workgroupBarrier();
    for (var row = 0u; row < 8u; row++) {
      let x = inputs[row * (TILE / 4u) + own_in];
      var dy: array<vec4f, 2>;
      for (var k = 0u; k < 2u; k++) {
        let own = gradients[row * (TILE / 4u) + own_out + k];
        for (var o = 0u; o < 4u; o++) { sum[4u * k + o] += own[o]; }
        dy[k] = operand4(own);
      }
      for (var o = 0u; o < 8u; o++) {
        acc[o] += dy[o / 4u][o % 4u] * x;
      }
    }
  }
  for (var o = 0u; o < 8u; o++) {
    let channel = out_0 + own_out * 4u + o;
    if channel < params.c_out {
      for (var i = 0u; i < 4u; i++) {
        let inp = in_0 + own_in * 4u + i;
        if inp < params.c_in { grad_weight[(span * params.c_out + channel) * params.c_in + inp] = acc[o][i]; }
      }
      if in_0 == 0u && own_in == 0u { grad_bias[span * params.c_out + channel] = sum[o]; }
    }
  }
}
