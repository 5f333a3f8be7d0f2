// Weight gradient of a 1×1 convolution, stride 1, for software devices whose subgroup is one SIMD register:
//   dw[o,i] = Σ_{n,p} dy[n,o,p] · x[n,i,p] over the pixels p of a plane.
// A lane owns INPUTS input channels and walks along the pixels, a quad at a time; quads of dy are loaded by one lane an output channel
// and broadcast by shuffles whose lane is constant after unrolling. No sums cross lanes.
// Launcher:  kernels/conv2d/software.rs   Reference: src/reference/conv2d.rs
// Grid:      one subgroup a workgroup; INPUTS·LANES input × LOADS·LANES output channels × one span of quads, folded.
// Numerics:  f32; pixels in order, then partial sums in order (sum_partials).
const LANES = 16u;
const LOADS = 1u;  // loads of dy a quad
const INPUTS = 1u; // input channels a lane, LANES apart
const OUT = 16u;   // output channels a load, at most LANES
struct Params { n: u32, c_in: u32, c_out: u32, pixels: u32, spans: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;          // [n, c_in, pixels]
@group(0) @binding(1) var<storage, read> grad_output: array<Row>;    // [n, c_out, pixels]
@group(0) @binding(2) var<storage, read_write> partials: array<f32>; // [spans, c_out, c_in]
//!include shared/flat.wgsl
//!include shared/pair4.wgsl

@compute @workgroup_size(LANES)
fn conv2d_grad_weight_1x1_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let pixels = params.pixels;
  let quads = (pixels + 3u) / 4u;
  let in_blocks = (params.c_in + LANES * INPUTS - 1u) / (LANES * INPUTS);
  let flat = flat_group(group, groups);
  let span = flat % params.spans;
  let own = ((flat / params.spans) % in_blocks) * LANES * INPUTS + lane;
  let out_0 = (flat / (params.spans * in_blocks)) * OUT * LOADS;
  if out_0 >= params.c_out { return; }
  let total = params.n * quads;
  let length = (total + params.spans - 1u) / params.spans;

  var acc: array<array<array<f32, OUT>, LOADS>, INPUTS>;
  for (var at = span * length; at < min((span + 1u) * length, total); at++) {
    let image = at / quads;
    let quad = at % quads;
    var x: array<vec4f, INPUTS>;
    for (var i = 0u; i < INPUTS; i++) { x[i] = load_input((image * params.c_in + min(own + i * LANES, params.c_in - 1u)) * pixels, quad, pixels); }
    for (var l = 0u; l < LOADS; l++) {
      let out = min(out_0 + l * OUT + lane % OUT, params.c_out - 1u);
      let g = load_grad_output((image * params.c_out + out) * pixels, quad, pixels);
      for (var o = 0u; o < OUT; o++) {
        let k = vec4f(subgroupShuffle(g.x, o), subgroupShuffle(g.y, o), subgroupShuffle(g.z, o), subgroupShuffle(g.w, o));
        for (var i = 0u; i < INPUTS; i++) { acc[i][l][o] += k.x * x[i].x + k.y * x[i].y + k.z * x[i].z + k.w * x[i].w; }
      }
    }
  }
  for (var i = 0u; i < INPUTS; i++) {
    if own + i * LANES < params.c_in {
      for (var l = 0u; l < LOADS; l++) {
        for (var o = 0u; o < OUT; o++) {
          let out = out_0 + l * OUT + o;
          if out < params.c_out { partials[(span * params.c_out + out) * params.c_in + own + i * LANES] = acc[i][l][o]; }
        }
      }
    }
  }
}
