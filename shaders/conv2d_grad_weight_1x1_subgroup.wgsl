// Weight gradient of a 1×1 convolution, stride 1, for software devices whose subgroup is one SIMD register:
//   dw[o,i] = Σ_{n,p} dy[n,o,p] · x[n,i,p] over the pixels p of a plane.
// Pixels live in lanes (a quad each) and step through a span of quads; every lane keeps OUT × IN sums, added across the subgroup at the end.
// Launcher:  kernels/conv2d/software.rs   Reference: tests/reference/conv2d.rs
// Grid:      one subgroup a workgroup; a span of steps·LANES quads × OUT output × IN input channels each, folded.
// Numerics:  f32; quads in order, then a subgroup sum, then partial sums in order (sum_partials).
const LANES = 16u;
const OUT = 8u;
const IN = 8u;
struct Params { n: u32, c_in: u32, c_out: u32, pixels: u32, steps: u32 }
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
  let tasks = params.n * quads;
  let spans = (tasks + LANES * params.steps - 1u) / (LANES * params.steps);
  let out_blocks = (params.c_out + OUT - 1u) / OUT;
  let flat = flat_group(group, groups);
  let span = flat % spans;
  let out_0 = ((flat / spans) % out_blocks) * OUT;
  let in_0 = (flat / (spans * out_blocks)) * IN;
  if in_0 >= params.c_in { return; }
  var acc: array<array<f32, IN>, OUT>;
  for (var step = 0u; step < params.steps; step++) {
    let wanted = (span * params.steps + step) * LANES + lane;
    let task = min(wanted, tasks - 1u);
    let image = task / quads;
    let quad = task % quads;
    var x: array<vec4f, IN>;
    for (var i = 0u; i < IN; i++) { x[i] = load_input((image * params.c_in + min(in_0 + i, params.c_in - 1u)) * pixels, quad, pixels); }
    for (var o = 0u; o < OUT; o++) {
      let g = select(vec4f(0.0), load_grad_output((image * params.c_out + min(out_0 + o, params.c_out - 1u)) * pixels, quad, pixels), wanted < tasks);
      for (var i = 0u; i < IN; i++) { acc[o][i] += dot(g, x[i]); }
    }
  }
  for (var o = 0u; o < OUT; o++) {
    for (var i = 0u; i < IN; i++) {
      let sum = subgroupAdd(acc[o][i]);
      if lane == 0u && in_0 + i < params.c_in && out_0 + o < params.c_out {
        partials[(span * params.c_out + out_0 + o) * params.c_in + in_0 + i] = sum;
      }
    }
  }
}
