// 3×3 convolution, stride 1, padding 1, for software devices whose subgroup is one SIMD register:
//   y[n,o,r,c] = act(bias[o] + Σ_{i,ky,kx} w[o,i,ky,kx] · x[n,i,r+ky−1,c+kx−1]).
// With flipped taps and swapped weight strides the same sums are conv2d_grad_input.
// Pixels live in lanes (four columns × ROWS rows each); weights are loaded one a lane and broadcast by shuffles whose lane is
// constant after unrolling, because memory is what costs here and shuffles are free (Mesa unrolls loops of up to 32 trips).
// Launcher:  kernels/conv2d/software.rs   Reference: src/reference/conv2d.rs
// Grid:      one subgroup a workgroup; LANES tasks (image, row block, column quad) × OUT output channels each, folded.
// Numerics:  f32; input channels in order, taps in order.
const LANES = 16u;
const ROWS = 4u;
const OUT = 16u;
const WEIGHT_LOADS = 9u;  // ceil(9·OUT / LANES)
const HALO_LOADS = 1u;    // ceil(2·(ROWS + 2) / LANES)
const ACTIVATION = 0u;
struct Params { n: u32, c_in: u32, c_out: u32, height: u32, width: u32, out_stride: u32, in_stride: u32, flip: u32, has_bias: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;        // [n, c_in, height, width]
@group(0) @binding(1) var<storage, read> input_words: array<f32>;  // the same, one by one
@group(0) @binding(2) var<storage, read> weight: array<f32>;       // [c_out, c_in, 3, 3], or as the strides say
@group(0) @binding(3) var<storage, read> bias: array<f32>;         // [c_out] where has_bias
@group(0) @binding(4) var<storage, read_write> output: array<Row>; // [n, c_out, height, width]
//!include shared/flat.wgsl
//!include shared/rows4.wgsl
//!include shared/store4.wgsl
//!include shared/activate.wgsl

@compute @workgroup_size(LANES)
fn conv2d_3x3_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let height = params.height; let width = params.width;
  let quads = (width + 3u) / 4u;
  let row_blocks = (height + ROWS - 1u) / ROWS;
  let tasks = params.n * row_blocks * quads;
  let out_blocks = (params.c_out + OUT - 1u) / OUT;
  let flat = flat_group(group, groups);
  let first_task = (flat / out_blocks) * LANES;
  if first_task >= tasks { return; }
  let out_0 = (flat % out_blocks) * OUT;
  let task = min(first_task + lane, tasks - 1u);
  let quad = task % quads;
  let y0 = ((task / quads) % row_blocks) * ROWS;
  let image = task / (quads * row_blocks);
  let plane = height * width;

  // The left neighbours of the first lane's rows and the right neighbours of the last lane's, one element a lane.
  var halo_at: array<u32, HALO_LOADS>;
  var halo_ok: array<bool, HALO_LOADS>;
  for (var i = 0u; i < HALO_LOADS; i++) {
    let e = i * LANES + lane;
    let owner = select(min(first_task + LANES - 1u, tasks - 1u), first_task, (e & 1u) == 0u);
    let column = select(i32(owner % quads) * 4 + 4, i32(owner % quads) * 4 - 1, (e & 1u) == 0u);
    let row = i32(((owner / quads) % row_blocks) * ROWS + e / 2u) - 1;
    halo_ok[i] = e < 2u * (ROWS + 2u) && row >= 0 && row < i32(height) && column >= 0 && column < i32(width);
    halo_at[i] = select(0u, (owner / (quads * row_blocks)) * params.c_in * plane + u32(row) * width + u32(column), halo_ok[i]);
  }
  // Element e of the OUT × 9 weights of one input channel: output channel e / 9, tap e % 9.
  var weight_at: array<u32, WEIGHT_LOADS>;
  for (var i = 0u; i < WEIGHT_LOADS; i++) {
    let e = min(i * LANES + lane, 9u * OUT - 1u);
    weight_at[i] = min(out_0 + e / 9u, params.c_out - 1u) * params.out_stride + select(e % 9u, 8u - e % 9u, params.flip != 0u);
  }

  var acc: array<array<vec4f, ROWS>, OUT>;
  for (var c = 0u; c < params.c_in; c++) {
    var w: array<f32, WEIGHT_LOADS>;
    for (var i = 0u; i < WEIGHT_LOADS; i++) { w[i] = weight[weight_at[i] + c * params.in_stride]; }
    var halo: array<f32, HALO_LOADS>;
    for (var i = 0u; i < HALO_LOADS; i++) { halo[i] = select(0.0, input_words[halo_at[i] + select(0u, c * plane, halo_ok[i])], halo_ok[i]); }
    let base = (image * params.c_in + c) * plane;
    var q: array<array<vec4f, 3>, ROWS + 2u>;
    for (var r = 0u; r < ROWS + 2u; r++) {
      let y = i32(y0 + r) - 1;
      let inside = y >= 0 && y < i32(height);
      let v = select(vec4f(0.0), load_quad(base + u32(clamp(y, 0, i32(height) - 1)) * width, quad, width), inside);
      let from_left = subgroupShuffle(v.w, (lane + LANES - 1u) % LANES);
      let from_right = subgroupShuffle(v.x, (lane + 1u) % LANES);
      let halo_left = subgroupShuffle(halo[(2u * r) / LANES], (2u * r) % LANES);
      let halo_right = subgroupShuffle(halo[(2u * r + 1u) / LANES], (2u * r + 1u) % LANES);
      let left = select(select(from_left, halo_left, lane == 0u), 0.0, quad == 0u);
      let right = select(select(from_right, halo_right, lane == LANES - 1u), 0.0, quad == quads - 1u);
      q[r][0] = vec4f(left, v.xyz);
      q[r][1] = v;
      q[r][2] = vec4f(v.yzw, right);
    }
    for (var o = 0u; o < OUT; o++) {
      var k: array<f32, 9>;
      for (var j = 0u; j < 9u; j++) { k[j] = subgroupShuffle(w[(o * 9u + j) / LANES], (o * 9u + j) % LANES); }
      for (var r = 0u; r < ROWS; r++) {
        var a = acc[o][r];
        for (var j = 0u; j < 9u; j++) { a += k[j] * q[r + j / 3u][j % 3u]; }
        acc[o][r] = a;
      }
    }
  }
  if first_task + lane >= tasks { return; }
  for (var o = 0u; o < OUT; o++) {
    if out_0 + o < params.c_out {
      let b = select(0.0, bias[min(out_0 + o, params.c_out - 1u)], params.has_bias != 0u);
      for (var r = 0u; r < ROWS; r++) {
        if y0 + r < height {
          store_quad((image * params.c_out + out_0 + o) * plane + (y0 + r) * width, quad, width, activate(ACTIVATION, acc[o][r] + b));
        }
      }
    }
  }
}
