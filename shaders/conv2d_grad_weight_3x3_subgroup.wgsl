// Weight gradient of a 3×3 convolution, stride 1, padding 1, for software devices whose subgroup is one SIMD register:
//   dw[o,i,ky,kx] = Σ_{n,r,c} dy[n,o,r,c] · x[n,i,r+ky−1,c+kx−1].
// A lane owns one (input channel, ky) and walks along rows, a quad of columns at a time, keeping its left and right neighbours; quads of
// dy are loaded by one lane an output channel and broadcast by shuffles whose lane is constant after unrolling. No sums cross lanes.
// Launcher:  kernels/conv2d/software.rs   Reference: src/reference/conv2d.rs
// Grid:      one subgroup a workgroup; LANES (channel, ky) pairs × LOADS·LANES output channels × one span of rows, folded.
// Numerics:  f32; rows and columns in order, then partial sums in order (sum_partials).
const LANES = 16u;
const LOADS = 1u;  // loads of dy a quad
const OUT = 16u;   // output channels a load, at most LANES
struct Params { n: u32, c_in: u32, c_out: u32, height: u32, width: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;          // [n, c_in, height, width]
@group(0) @binding(1) var<storage, read> grad_output: array<Row>;    // [n, c_out, height, width]
@group(0) @binding(2) var<storage, read_write> partials: array<f32>; // [spans, c_out, c_in, 3, 3]
//!include shared/flat.wgsl
//!include shared/pair4.wgsl

@compute @workgroup_size(LANES)
fn conv2d_grad_weight_3x3_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let height = params.height; let width = params.width; let plane = height * width;
  let quads = (width + 3u) / 4u;
  let pair_blocks = (params.c_in * 3u + LANES - 1u) / LANES;
  let flat = flat_group(group, groups);
  let span = flat % params.spans;
  let pair = ((flat / params.spans) % pair_blocks) * LANES + lane;
  let out_0 = (flat / (params.spans * pair_blocks)) * OUT * LOADS;
  if out_0 >= params.c_out { return; }
  let channel = min(pair / 3u, params.c_in - 1u);
  let ky = pair % 3u;
  let rows = params.n * height;
  let length = (rows + params.spans - 1u) / params.spans;

  var acc: array<array<array<f32, 3>, OUT>, LOADS>;
  for (var at = span * length; at < min((span + 1u) * length, rows); at++) {
    let image = at / height;
    let y = i32(at % height + ky) - 1;
    let inside = y >= 0 && y < i32(height);
    let row = (image * params.c_in + channel) * plane + u32(clamp(y, 0, i32(height) - 1)) * width;
    var before = 0.0;
    var here = load_input(row, 0u, width);
    for (var quad = 0u; quad < quads; quad++) {
      let next = select(vec4f(0.0), load_input(row, min(quad + 1u, quads - 1u), width), quad + 1u < quads);
      let q0 = select(vec4f(0.0), vec4f(before, here.xyz), inside);
      let q1 = select(vec4f(0.0), here, inside);
      let q2 = select(vec4f(0.0), vec4f(here.yzw, next.x), inside);
      for (var l = 0u; l < LOADS; l++) {
        let out = min(out_0 + l * OUT + lane % OUT, params.c_out - 1u);
        let g = load_grad_output((image * params.c_out + out) * plane + (at % height) * width, quad, width);
        for (var o = 0u; o < OUT; o++) {
          let gx = subgroupShuffle(g.x, o); let gy = subgroupShuffle(g.y, o); let gz = subgroupShuffle(g.z, o); let gw = subgroupShuffle(g.w, o);
          acc[l][o][0] += gx * q0.x + gy * q0.y + gz * q0.z + gw * q0.w;
          acc[l][o][1] += gx * q1.x + gy * q1.y + gz * q1.z + gw * q1.w;
          acc[l][o][2] += gx * q2.x + gy * q2.y + gz * q2.z + gw * q2.w;
        }
      }
      before = here.w;
      here = next;
    }
  }
  if pair >= params.c_in * 3u { return; }
  for (var l = 0u; l < LOADS; l++) {
    for (var o = 0u; o < OUT; o++) {
      let out = out_0 + l * OUT + o;
      if out < params.c_out {
        let at = ((span * params.c_out + out) * params.c_in + channel) * 9u + ky * 3u;
        partials[at] = acc[l][o][0];
        partials[at + 1u] = acc[l][o][1];
        partials[at + 2u] = acc[l][o][2];
      }
    }
  }
}
