// 3 × 3 convolution of stride 1 by minimal filtering F(2 × 2, 3 × 3), for GPUs and layers of many channels; also its input gradient, with
// weights that are turned: y = Aᵀ·(Σ_i U[o,i] ⊙ (Bᵀ·d[i]·B))·A for every tile of 2 × 2 outputs, d the 4 × 4 inputs that it sees, 16
// products where 36 are due (Lavin and Gray 2016, arXiv 1509.09308).
// A workgroup computes FILTERS output channels × TILES tiles of all images in steps of STEP input channels. In each step an invocation
// transforms half a patch of one channel into workgroup memory; then, of one row of the 4 × 4 elements, it sums the products of four
// channels and four tiles, four elements each. Rows meet in workgroup memory at the end. With PARTS it sums a part of the
// input channels, for conv2d_sum.
// Launcher:  kernels/conv2d/winograd.rs   Reference: src/reference/conv2d.rs   PyTorch: torch.nn.functional.conv2d
// Grid:      PARTS × FILTERS output channels × TILES tiles a workgroup, folded past 65 535 groups.
// Numerics:  f32; input channels in order. Bᵀ·d·B adds up to four inputs, Aᵀ·m·A nine sums, which costs some two bits.
const FILTERS = 32u;
const TILES = 32u;
const STEP = 4u;
const ACTIVATION = 0u;
const PARTS = 1u;
const SOURCE = 0u; // see shared/source.wgsl
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;         // [n, c_in, h_in, w_in]
@group(0) @binding(1) var<storage, read> transformed: array<vec4f>; // [c_in, 4, c_out] of conv2d_winograd_weight
@group(0) @binding(2) var<storage, read> bias: array<f32>;          // [c_out] where has_bias, or [c_in] of the norm before
@group(0) @binding(3) var<storage, read> scale: array<f32>;         // [c_out] where has_scale, or [c_in] of the norm before
@group(0) @binding(4) var<storage, read> stats: array<vec4f>;       // [c_in] of the norm before: (shift, mean - shift, invstd, unused)
@group(0) @binding(5) var<storage, read_write> output: array<f32>;  // [PARTS, n, c_out, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/nan.wgsl
//!include shared/source.wgsl
//!include shared/activate.wgsl
//!include shared/pack1.wgsl
const HALF_SHARED = STEP * 4u * TILES;
// Patches [STEP][row][TILES], behind them weights [STEP][row][FILTERS]; at the end sums [row][FILTERS / 4][TILES] of two channels.
var<workgroup> memory: array<vec4f, 2u * HALF_SHARED>;

@compute @workgroup_size(256)
fn conv2d_winograd(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let across = (params.w_out + 1u) / 2u;
  let tiles_an_image = across * ((params.h_out + 1u) / 2u);
  let tiles = params.n * tiles_an_image;
  let tile_blocks = (tiles + TILES - 1u) / TILES;
  let outs = (params.c_out + FILTERS - 1u) / FILTERS * FILTERS;
  let flat = flat_group(group, groups);
  let out_0 = flat / tile_blocks * FILTERS % outs;
  let part = flat / tile_blocks * FILTERS / outs;
  if part >= PARTS { return; }

  // The tile whose patches this invocation transforms; past the last one the last one stands in, whose sums are not stored.
  let own = local % TILES;
  let tile = min(flat % tile_blocks * TILES + own, tiles - 1u);
  let image = tile / tiles_an_image;
  let row_0 = tile % tiles_an_image / across * 2u;
  let column_0 = tile % across * 2u;
  // The half of the patches: rows 0 to 2, or 1 to 3; and the channel within a step.
  let lower = local / (TILES * STEP);
  let channel = local / TILES % STEP;
  var at: array<vec4u, 3>;
  var inside: array<vec4<bool>, 3>;
  let columns = vec4i(i32(column_0) - i32(params.padding)) + vec4i(0, 1, 2, 3);
  let in_columns = (columns >= vec4i(0)) & (columns < vec4i(i32(params.w_in)));
  for (var r = 0u; r < 3u; r++) {
    let row = i32(row_0 + lower + r) - i32(params.padding);
    inside[r] = in_columns & vec4<bool>(row >= 0 && row < i32(params.h_in));
    at[r] = select(vec4u(0u), vec4u(u32(row) * params.w_in) + vec4u(columns), inside[r]);
  }
  let plane_in = params.h_in * params.w_in;

  // The row of elements, four channels and four tiles, 8 apart, whose products it sums.
  let own_row = local / 64u;
  let own_out = local % 64u / 8u;
  let own_tile = local % 8u;
  var acc: array<array<vec4f, 4>, 4>;
  let each = (params.c_in + PARTS * STEP - 1u) / (PARTS * STEP) * STEP;
  let end = min((part + 1u) * each, params.c_in);
  for (var first = part * each; first < end; first += STEP) {
    let i = first + channel;
    source = source_of(min(i, params.c_in - 1u), params.n >> 31u);
    let plane = (image * params.c_in + min(i, params.c_in - 1u)) * plane_in;
    var d: array<vec4f, 3>;
    for (var r = 0u; r < 3u; r++) {
      let read = vec4f(input[plane + at[r].x], input[plane + at[r].y], input[plane + at[r].z], input[plane + at[r].w]);
      d[r] = operand4(select(vec4f(0.0), sourced4(read), inside[r] & vec4<bool>(i < params.c_in)));
    }
    var rows: array<vec4f, 2>;
    rows[0] = select(d[0] - d[2], d[1] - d[0], lower == 1u);
    rows[1] = select(d[1] + d[2], d[0] - d[2], lower == 1u);
    workgroupBarrier();
    for (var r = 0u; r < 2u; r++) {
      let v = rows[r];
      memory[(channel * 4u + lower * 2u + r) * TILES + own] = vec4f(v.x - v.z, v.y + v.z, v.z - v.y, v.y - v.w);
    }
    for (var e = local; e < HALF_SHARED; e += 256u) {
      memory[HALF_SHARED + e] = transformed[(first * 4u + e / FILTERS) * outs + out_0 + e % FILTERS];
    }
    workgroupBarrier();
    for (var c = 0u; c < STEP; c++) {
      let begin = (c * 4u + own_row) * TILES;
      var v: array<vec4f, 4>;
      for (var t = 0u; t < 4u; t++) { v[t] = memory[begin + own_tile + 8u * t]; }
      for (var o = 0u; o < 4u; o++) {
        let w = memory[HALF_SHARED + begin + own_out + 8u * o];
        for (var t = 0u; t < 4u; t++) { acc[o][t] += w * v[t]; }
      }
    }
  }

  // Two channels at a time: columns of Aᵀ·m·A within an invocation, rows across them.
  let plane_out = params.h_out * params.w_out;
  let last_out = local / TILES;
  for (var pair = 0u; pair < 2u; pair++) {
    workgroupBarrier();
    for (var t = 0u; t < 4u; t++) {
      let a = acc[2u * pair][t];
      let b = acc[2u * pair + 1u][t];
      memory[(own_row * 8u + own_out) * TILES + own_tile + 8u * t] = vec4f((a.x + a.y) + a.z, (a.y - a.z) - a.w, (b.x + b.y) + b.z, (b.y - b.z) - b.w);
    }
    workgroupBarrier();
    var m: array<vec4f, 4>;
    for (var r = 0u; r < 4u; r++) { m[r] = memory[(r * 8u + last_out) * TILES + own]; }
    var y: array<vec4f, 2>;
    y[0] = (m[0] + m[1]) + m[2];
    y[1] = (m[1] - m[2]) - m[3];
    if flat % tile_blocks * TILES + own < tiles {
      for (var k = 0u; k < 2u; k++) {
        let o = out_0 + last_out + 8u * (2u * pair + k);
        if o < params.c_out {
          let b = select(0.0, bias[select(0u, o, params.has_bias != 0u)], params.has_bias != 0u);
          let s = select(1.0, scale[select(0u, o, params.has_scale != 0u)], params.has_scale != 0u);
          for (var e = 0u; e < 4u; e++) {
            let row = row_0 + e / 2u;
            let column = column_0 + e % 2u;
            if row < params.h_out && column < params.w_out {
              output[((part * params.n + image) * params.c_out + o) * plane_out + row * params.w_out + column] = activate(ACTIVATION, y[e / 2u][2u * k + e % 2u] * s + b);
            }
          }
        }
      }
    }
  }
}
