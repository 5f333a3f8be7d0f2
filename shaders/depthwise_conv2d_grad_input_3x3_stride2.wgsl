// Input gradient of the depthwise 3×3 convolution that halves the size (stride 2, padding 1, dilation 1): of the taps, even input rows
// met the middle ones only, odd rows those of the output rows above and below; columns likewise.
//   dx[n,c,y,x] = Σ_{ky,kx} w[c,ky,kx] · dy[n, c, (y + 1 − ky) / 2, (x + 1 − kx) / 2] over the taps for which both divisions are exact.
// An invocation walks down a strip of rows of one quad of columns of dy, loads every row once, and writes twice as many rows and columns.
// Launcher:  kernels/depthwise_conv2d/mod.rs   Reference: src/reference/depthwise_conv2d.rs
// Grid:      one invocation a (plane, strip, quad of dy), quads fastest, 64 a workgroup, folded.
// Numerics:  f32; at most four products.
const HALF = 0u; // see shared/operand.wgsl
struct Params { planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, strip: u32, strips: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Row>;        // ∂L/∂y [planes, h_out, w_out]
@group(0) @binding(1) var<storage, read> input_words: array<f32>;  // the same, one by one
@group(0) @binding(2) var<storage, read> weight: array<f32>;       // [c, 1, 3, 3]
@group(0) @binding(3) var<storage, read_write> output: array<Row>; // ∂L/∂x [planes, h_in, w_in]
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/rows4.wgsl
//!include shared/store4.wgsl

struct Gradients { here: vec4f, right: vec4f }

@compute @workgroup_size(64)
fn depthwise_conv2d_grad_input_3x3_stride2(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let quads = (params.w_out + 3u) / 4u;
  let task = flat_group(group, groups) * 64u + local;
  let quad = task % quads;
  let part = task / quads;
  let plane = part / params.strips;
  if plane >= params.planes { return; }
  let channel = plane % params.c;
  let first = (part % params.strips) * params.strip;
  let end = min(first + params.strip, params.h_out);
  var k: array<f32, 9>;
  for (var j = 0u; j < 9u; j++) { k[j] = operand(weight[channel * 9u + j]); }

  var above = gradients(plane, first, quad);
  for (var row = first; row < end; row++) {
    let below = gradients(plane, row + 1u, quad);
    store_pair(plane, 2u * row, quad, k[4] * above.here, k[3] * above.right + k[5] * above.here);
    if 2u * row + 1u < params.h_in {
      let even = k[1] * below.here + k[7] * above.here;
      let odd = k[0] * below.right + k[2] * below.here + k[6] * above.right + k[8] * above.here;
      store_pair(plane, 2u * row + 1u, quad, even, odd);
    }
    above = below;
  }
}

// A quad of a row of dy and the one that begins a column later; zero outside the plane.
fn gradients(plane: u32, row: u32, quad: u32) -> Gradients {
  let width = params.w_out;
  let inside = row < params.h_out;
  let at = (plane * params.h_out + select(0u, row, inside)) * width;
  let after = inside && 4u * quad + 4u < width;
  let here = operand4(select(vec4f(0.0), load_quad(at, quad, width), inside));
  return Gradients(here, vec4f(here.yzw, operand(select(0.0, input_words[at + select(0u, 4u * quad + 4u, after)], after))));
}

// Eight columns of a row of dx from those of even and of odd number.
fn store_pair(plane: u32, row: u32, quad: u32, even: vec4f, odd: vec4f) {
  let at = (plane * params.h_in + row) * params.w_in;
  store_quad(at, 2u * quad, params.w_in, vec4f(even.x, odd.x, even.y, odd.y));
  if 8u * quad + 4u < params.w_in { store_quad(at, 2u * quad + 1u, params.w_in, vec4f(even.z, odd.z, even.w, odd.w)); }
}
