// Weights of a 3 × 3 convolution for conv2d_winograd: U = G·w·Gᵀ, with G = [1 0 0; ½ ½ ½; ½ −½ ½; 0 0 1]; of the input gradient those of
// the turned windows, with TRANSPOSED.
// Launcher:  kernels/conv2d/winograd.rs   Reference: src/reference/conv2d.rs
// Grid:      an invocation for each pair of channels, those beyond the last included, folded past 65 535 groups.
// Numerics:  f32.
const FILTERS = 32u;
const STEP = 4u;
const TRANSPOSED = 0u;
const HALF = 0u; // see shared/operand.wgsl
struct Params { n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> weight: array<f32>;                 // [c_out, c_in, 3, 3]; [c_in, c_out, 3, 3] where TRANSPOSED
@group(0) @binding(1) var<storage, read_write> transformed: array<vec4f>;    // [c_in, 4, c_out] rows of four, with channels to STEP and FILTERS
//!include shared/flat.wgsl
//!include shared/operand.wgsl

@compute @workgroup_size(64)
fn conv2d_winograd_weight(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let outs = (params.c_out + FILTERS - 1u) / FILTERS * FILTERS;
  let at = flat_group(group, groups) * 64u + local;
  let o = at % outs;
  let i = at / outs;
  if i >= (params.c_in + STEP - 1u) / STEP * STEP { return; }
  let known = o < params.c_out && i < params.c_in;
  let near = min(vec2u(o, i), vec2u(params.c_out, params.c_in) - 1u);
  let first = 9u * select(near.x * params.c_in + near.y, near.y * params.c_out + near.x, TRANSPOSED == 1u);
  var w: array<vec3f, 3>;
  for (var r = 0u; r < 3u; r++) {
    for (var c = 0u; c < 3u; c++) {
      let tap = select(3u * r + c, 8u - 3u * r - c, TRANSPOSED == 1u);
      w[r][c] = operand(select(0.0, weight[first + tap], known));
    }
  }
  var rows: array<vec3f, 4>;
  rows[0] = w[0];
  rows[1] = 0.5 * ((w[0] + w[2]) + w[1]);
  rows[2] = 0.5 * ((w[0] + w[2]) - w[1]);
  rows[3] = w[2];
  for (var r = 0u; r < 4u; r++) {
    let g = rows[r];
    let ends = g.x + g.z;
    transformed[(i * 4u + r) * outs + o] = vec4f(g.x, 0.5 * (ends + g.y), 0.5 * (ends - g.y), g.z);
  }
}
