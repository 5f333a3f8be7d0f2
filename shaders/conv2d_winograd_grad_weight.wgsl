// Weight gradient of a 3 × 3 convolution of stride 1 by minimal filtering, for GPUs and layers of many channels: the transpose of
// conv2d_winograd, dw[o,i] = Gᵀ·(Σ_tiles (A·g·Aᵀ) ⊙ (Bᵀ·d·B))·G with g the 2 × 2 gradients of a tile of outputs and d the 4 × 4 inputs that
// it sees, 16 products where 36 are due (Lavin and Gray 2016, arXiv 1509.09308).
// A workgroup computes FILTERS output × FILTERS input channels of one span of the tiles of all images in steps of STEP tiles. In each step
// an invocation transforms half a patch of inputs and half of the gradients of one channel each into workgroup memory; then, of one row of
// the 4 × 4 elements, it sums the products of four output and four input channels, four elements each. Rows meet in workgroup memory at
// the end.
// Launcher:  kernels/conv2d/grad_weight.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.grad.conv2d_weight
// Grid:      spans × blocks of channels, folded past 65 535 groups.
// Numerics:  f32; tiles of a span in order, then partial sums in order (sum_partials).
const FILTERS = 32u;
const STEP = 4u;
const PACKED = 0u; // see shared/numbers.wgsl
const SOURCE = 0u; // see shared/source.wgsl
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Element>;      // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;    // [n, c_out, h_out, w_out]
@group(0) @binding(2) var<storage, read> bias: array<f32>;           // [c_in] of the norm before
@group(0) @binding(3) var<storage, read> scale: array<f32>;          // [c_in] of the norm before
@group(0) @binding(4) var<storage, read> stats: array<vec4f>;        // [c_in] of the norm before: (shift, mean - shift, invstd, unused)
@group(0) @binding(5) var<storage, read_write> partials: array<f32>; // [spans, c_out, c_in, 3, 3]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/element.wgsl
//!include shared/numbers.wgsl
//!include shared/nan.wgsl
//!include shared/source.wgsl
const HALF_SHARED = STEP * 4u * FILTERS;
// Patches [STEP][row][FILTERS], behind them gradients [STEP][row][FILTERS]; at the end sums [row][FILTERS / 4][FILTERS].
var<workgroup> memory: array<vec4f, 2u * HALF_SHARED>;

@compute @workgroup_size(256)
fn conv2d_winograd_grad_weight(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let across = (params.w_out + 1u) / 2u;
  let down = (params.h_out + 1u) / 2u;
  let tiles = params.n * across * down;
  let length = (tiles + params.spans - 1u) / params.spans;
  let in_blocks = (params.c_in + FILTERS - 1u) / FILTERS;
  let flat = flat_group(group, groups);
  let span = flat % params.spans;
  let in_0 = flat / params.spans % in_blocks * FILTERS;
  let out_0 = flat / (params.spans * in_blocks) * FILTERS;
  if out_0 >= params.c_out { return; }
  let end = min((span + 1u) * length, tiles);

  // What this invocation brings: of a tile of the step the lower or the upper half of one input and of one output channel.
  let own = local % STEP;
  let channel = local / STEP % FILTERS;
  let lower = local / (STEP * FILTERS);
  let in_plane = min(in_0 + channel, params.c_in - 1u);
  let out_plane = min(out_0 + channel, params.c_out - 1u);
  source = source_of(in_plane, params.n >> 31u);

  // The row of elements, four output channels and four input channels, 8 apart, whose products it sums.
  let own_row = local / 64u;
  let own_out = local % 64u / 8u;
  let own_in = local % 8u;
  var acc: array<array<vec4f, 4>, 4>;
  for (var start = span * length; start < end; start += STEP) {
    let known = start + own < end;
    let tile = min(start + own, tiles - 1u);
    let column_0 = tile % across * 2u;
    let row_0 = tile / across % down * 2u;
    let image = tile / (across * down);

    let columns = vec4i(i32(column_0) - i32(params.padding)) + vec4i(0, 1, 2, 3);
    let in_columns = (columns >= vec4i(0)) & (columns < vec4i(i32(params.w_in))) & vec4<bool>(known);
    let plane = (image * params.c_in + in_plane) * params.h_in;
    var d: array<vec4f, 3>;
    for (var r = 0u; r < 3u; r++) {
      let row = i32(row_0 + lower + r) - i32(params.padding);
      let inside = in_columns & vec4<bool>(row >= 0 && row < i32(params.h_in));
      let at = select(vec4u(0u), vec4u((plane + u32(row)) * params.w_in) + vec4u(columns), inside);
      let read = vec4f(element(at.x), element(at.y), element(at.z), element(at.w));
      d[r] = operand4(select(vec4f(0.0), sourced4(read), inside));
    }
    let first_out = ((image * params.c_out + out_plane) * params.h_out + row_0) * params.w_out + column_0;
    let has_row = known && row_0 + 1u < params.h_out;
    let has_column = known && column_0 + 1u < params.w_out;
    let outs = vec4<bool>(known, has_column, has_row, has_row && has_column);
    let out_at = vec4u(first_out) + select(vec4u(0u), vec4u(0u, 1u, params.w_out, params.w_out + 1u), outs);
    let read = vec4f(grad_output[out_at.x], grad_output[out_at.y], grad_output[out_at.z], grad_output[out_at.w]);
    let g = operand4(select(vec4f(0.0), read, outs));

    var rows: array<vec4f, 2>;
    rows[0] = select(d[0] - d[2], d[1] - d[0], lower == 1u);
    rows[1] = select(d[1] + d[2], d[0] - d[2], lower == 1u);
    var sums: array<vec2f, 2>;
    sums[0] = select(g.xy, g.xy - g.zw, lower == 1u);
    sums[1] = select(g.xy + g.zw, -g.zw, lower == 1u);
    workgroupBarrier();
    for (var r = 0u; r < 2u; r++) {
      let v = rows[r];
      let u = sums[r];
      let place = (own * 4u + lower * 2u + r) * FILTERS + channel;
      memory[place] = vec4f(v.x - v.z, v.y + v.z, v.z - v.y, v.y - v.w);
      memory[HALF_SHARED + place] = vec4f(u.x, u.x + u.y, u.x - u.y, -u.y);
    }
    workgroupBarrier();
    for (var t = 0u; t < STEP; t++) {
      let begin = (t * 4u + own_row) * FILTERS;
      var v: array<vec4f, 4>;
      for (var i = 0u; i < 4u; i++) { v[i] = memory[begin + own_in + 8u * i]; }
      for (var o = 0u; o < 4u; o++) {
        let u = memory[HALF_SHARED + begin + own_out + 8u * o];
        for (var i = 0u; i < 4u; i++) { acc[o][i] += u * v[i]; }
      }
    }
  }

  // A quarter of the output channels at a time: columns of Gᵀ·m·G within an invocation, rows across them.
  for (var o = 0u; o < 4u; o++) {
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
      let m = acc[o][i];
      let ends = 0.5 * (m.y + m.z);
      memory[(own_row * 8u + own_out) * FILTERS + own_in + 8u * i] = vec4f(m.x + ends, 0.5 * (m.y - m.z), ends + m.w, 0.0);
    }
    workgroupBarrier();
    var m: array<vec3f, 4>;
    for (var r = 0u; r < 4u; r++) { m[r] = memory[(r * 8u + local / FILTERS) * FILTERS + local % FILTERS].xyz; }
    let ends = 0.5 * (m[1] + m[2]);
    var w: array<vec3f, 3>;
    w[0] = m[0] + ends;
    w[1] = 0.5 * (m[1] - m[2]);
    w[2] = ends + m[3];
    let pair = vec2u(out_0 + local / FILTERS + 8u * o, in_0 + local % FILTERS);
    if pair.x < params.c_out && pair.y < params.c_in {
      let at = ((span * params.c_out + pair.x) * params.c_in + pair.y) * 9u;
      for (var tap = 0u; tap < 9u; tap++) { partials[at + tap] = w[tap / 3u][tap % 3u]; }
    }
  }
}
