// 1×1 convolution, stride 1, for software devices whose subgroup is one SIMD register:
//   y[n,o,p] = act(bias[o] + Σ_i w[o,i] · x[n,i,p]) over the pixels p of a plane.
// With swapped weight strides the same sums are conv2d_grad_input. Pixels live in lanes (QUADS groups of four each); weights are
// loaded one a lane and broadcast by shuffles whose lane is constant after unrolling (see conv2d_3x3_subgroup).
// Launcher:  kernels/conv2d/software.rs   Reference: src/reference/conv2d.rs
// Grid:      one subgroup a workgroup; LANES·QUADS quads of pixels × OUT_HIGH·OUT_LOW output channels each, folded.
// Numerics:  f32; input channels in order.
const LANES = 16u;
const QUADS = 2u;
const OUT_HIGH = 1u;
const OUT_LOW = 16u;
const WEIGHT_LOADS = 1u;  // ceil(OUT / LANES)
const ACTIVATION = 0u;
const OUT = OUT_HIGH * OUT_LOW;
struct Params { n: u32, c_in: u32, c_out: u32, pixels: u32, out_stride: u32, in_stride: u32, has_bias: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;        // [n, c_in, pixels]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [c_out, c_in], or as the strides say
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [c_out] where has_bias
@group(0) @binding(3) var<storage, read_write> output: array<Row>; // [n, c_out, pixels]
//!include shared/flat.wgsl
//!include shared/rows4.wgsl
//!include shared/store4.wgsl
//!include shared/activate.wgsl

@compute @workgroup_size(LANES)
fn conv2d_1x1_subgroup(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let pixels = params.pixels;
  let quads = (pixels + 3u) / 4u;
  let tasks = params.n * quads;
  let out_blocks = (params.c_out + OUT - 1u) / OUT;
  let flat = flat_group(group, groups);
  let first_task = (flat / out_blocks) * LANES * QUADS;
  if first_task >= tasks { return; }
  let out_0 = (flat % out_blocks) * OUT;
  var image: array<u32, QUADS>;
  var quad: array<u32, QUADS>;
  for (var i = 0u; i < QUADS; i++) {
    let task = min(first_task + i * LANES + lane, tasks - 1u);
    image[i] = task / quads;
    quad[i] = task % quads;
  }
  var weight_at: array<u32, WEIGHT_LOADS>;
  for (var i = 0u; i < WEIGHT_LOADS; i++) { weight_at[i] = min(out_0 + min(i * LANES + lane, OUT - 1u), params.c_out - 1u) * params.out_stride; }

  var acc: array<array<array<vec4f, QUADS>, OUT_LOW>, OUT_HIGH>;
  for (var c = 0u; c < params.c_in; c++) {
    var w: array<f32, WEIGHT_LOADS>;
    for (var i = 0u; i < WEIGHT_LOADS; i++) { w[i] = weight[weight_at[i] + c * params.in_stride]; }
    var x: array<vec4f, QUADS>;
    for (var i = 0u; i < QUADS; i++) { x[i] = load_quad((image[i] * params.c_in + c) * pixels, quad[i], pixels); }
    for (var high = 0u; high < OUT_HIGH; high++) {
      for (var low = 0u; low < OUT_LOW; low++) {
        let o = high * OUT_LOW + low;
        let k = subgroupShuffle(w[o / LANES], o % LANES);
        for (var i = 0u; i < QUADS; i++) { acc[high][low][i] += k * x[i]; }
      }
    }
  }
  for (var high = 0u; high < OUT_HIGH; high++) {
    for (var low = 0u; low < OUT_LOW; low++) {
      let o = out_0 + high * OUT_LOW + low;
      if o < params.c_out {
        let b = select(0.0, bias[o], params.has_bias != 0u);
        for (var i = 0u; i < QUADS; i++) {
          if first_task + i * LANES + lane < tasks {
            store_quad((image[i] * params.c_out + o) * pixels, quad[i], pixels, activate(ACTIVATION, acc[high][low][i] + b));
          }
        }
      }
    }
  }
}
