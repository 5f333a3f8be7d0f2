// Weight gradient of a 3×3 convolution, stride 1, padding 1, for software devices whose subgroup is one SIMD register:
//   dw[o,i,ky,kx] = Σ_{n,r,c} dy[n,o,r,c] · x[n,i,r+ky−1,c+kx−1].
// Pixels live in lanes (a column quad each), which slide a three-row window down a strip of rows; every lane keeps OUT × IN × 9 sums,
// added across the subgroup once at the end.
// Launcher:  kernels/conv2d/software.rs   Reference: tests/reference/conv2d.rs
// Grid:      one subgroup a workgroup; LANES tasks (image, strip, column quad) × OUT output × IN input channels each, folded.
// Numerics:  f32; rows in order, then a subgroup sum, then partial sums in order (sum_partials).
const LANES = 16u;
const OUT = 8u;
const IN = 2u;
struct Params { n: u32, c_in: u32, c_out: u32, height: u32, width: u32, strip: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;            // [n, c_in, height, width]
@group(0) @binding(1) var<storage, read> input_words: array<f32>;      // the same, one by one
@group(0) @binding(2) var<storage, read> grad_output: array<Row>;      // [n, c_out, height, width]
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;   // [task blocks, c_out, c_in, 3, 3]
//!include shared/flat.wgsl
//!include shared/pair4.wgsl

@compute @workgroup_size(LANES)
fn conv2d_grad_weight_3x3_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let height = params.height; let width = params.width; let plane = height * width;
  let quads = (width + 3u) / 4u;
  let strips = (height + params.strip - 1u) / params.strip;
  let tasks = params.n * strips * quads;
  let blocks = (tasks + LANES - 1u) / LANES;
  let out_blocks = (params.c_out + OUT - 1u) / OUT;
  let flat = flat_group(group, groups);
  let block = flat % blocks;
  let out_0 = ((flat / blocks) % out_blocks) * OUT;
  let in_0 = (flat / (blocks * out_blocks)) * IN;
  if in_0 >= params.c_in { return; }
  let task = min(block * LANES + lane, tasks - 1u);
  let real = block * LANES + lane < tasks;
  let quad = task % quads;
  let y0 = ((task / quads) % strips) * params.strip;
  let image = task / (quads * strips);
  // Only the outermost lanes need a neighbour from memory, the first one on its left, the last one on its right.
  let halo_x = select(i32(quad) * 4 + 4, i32(quad) * 4 - 1, lane == 0u);
  let halo_ok = (lane == 0u || lane == LANES - 1u) && halo_x >= 0 && halo_x < i32(width);

  var acc: array<array<array<f32, 9>, OUT>, IN>;
  var q: array<array<array<vec4f, 3>, 3>, IN>;
  for (var step = 0u; step < params.strip + 2u; step++) {
    let y = i32(y0 + step) - 1;
    let inside = y >= 0 && y < i32(height);
    let row = u32(clamp(y, 0, i32(height) - 1)) * width;
    for (var i = 0u; i < IN; i++) {
      let base = (image * params.c_in + min(in_0 + i, params.c_in - 1u)) * plane + row;
      let v = select(vec4f(0.0), load_input(base, quad, width), inside);
      let halo = select(0.0, input_words[select(0u, base + u32(halo_x), halo_ok)], halo_ok && inside);
      let from_left = select(subgroupShuffle(v.w, (lane + LANES - 1u) % LANES), halo, lane == 0u);
      let from_right = select(subgroupShuffle(v.x, (lane + 1u) % LANES), halo, lane == LANES - 1u);
      for (var k = 0u; k < 3u; k++) { q[i][0][k] = q[i][1][k]; q[i][1][k] = q[i][2][k]; }
      q[i][2][0] = vec4f(select(from_left, 0.0, quad == 0u), v.xyz);
      q[i][2][1] = v;
      q[i][2][2] = vec4f(v.yzw, select(from_right, 0.0, quad == quads - 1u));
    }
    // The window is now centred on output row y − 1.
    if step >= 2u {
      let out_row = y0 + step - 2u;
      let counts = real && out_row < height;
      for (var o = 0u; o < OUT; o++) {
        let base = (image * params.c_out + min(out_0 + o, params.c_out - 1u)) * plane + min(out_row, height - 1u) * width;
        let g = select(vec4f(0.0), load_grad_output(base, quad, width), counts);
        for (var i = 0u; i < IN; i++) {
          for (var j = 0u; j < 9u; j++) { acc[i][o][j] += dot(g, q[i][j / 3u][j % 3u]); }
        }
      }
    }
  }
  for (var i = 0u; i < IN; i++) {
    for (var o = 0u; o < OUT; o++) {
      for (var j = 0u; j < 9u; j++) {
        let sum = subgroupAdd(acc[i][o][j]);
        if lane == 0u && in_0 + i < params.c_in && out_0 + o < params.c_out {
          partials[((block * params.c_out + out_0 + o) * params.c_in + in_0 + i) * 9u + j] = sum;
        }
      }
    }
  }
}
