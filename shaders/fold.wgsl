// Sums of what the windows of a convolution hold at each of their inputs, the adjoint of unfold:
//   y[n,c,i,j] = bias[c] + Σ_{ky,kx} x[n, (c, ky, kx), (i + padding − ky·dilation) / stride, (j + padding − kx·dilation) / stride]
// over the taps for which both divisions are exact and inside. Whether a column's division is exact depends on j mod stride only.
// Launcher:  kernels/unfold.rs   Reference: src/reference/unfold.rs   PyTorch: torch.nn.functional.fold
// Grid:      four runs of STRIDE columns an invocation, 64 a workgroup, folded.
// Numerics:  f32; taps in order.
const STRIDE = 1u; // known when compiled: division by a variable is slow
struct Params { planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, padding: u32, dilation: u32, has_bias: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;         // [planes, kernel_h, kernel_w, h_out, w_out]
@group(0) @binding(1) var<storage, read> bias: array<f32>;          // [c] where has_bias
@group(0) @binding(2) var<storage, read_write> output: array<f32>;  // [planes, h_in, w_in]
//!include shared/flat.wgsl
//!include shared/pixel.wgsl

@compute @workgroup_size(64)
fn fold(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let quad = pixel_of(flat_group(group, groups), local, params.h_in, (params.w_in + 4u * STRIDE - 1u) / (4u * STRIDE));
  if quad.plane >= params.planes { return; }
  let channel = quad.plane % params.c;
  let b = select(0.0, bias[select(0u, channel, params.has_bias != 0u)], params.has_bias != 0u);
  for (var step = 0u; step < STRIDE; step++) {
    var sum = vec4f(b);
    for (var ky = 0u; ky < params.kernel_h; ky++) {
      // Where the tap lies beyond, the difference wraps around to a number far above any row.
      let y = quad.row + params.padding - ky * params.dilation;
      if y % STRIDE != 0u || y / STRIDE >= params.h_out { continue; }
      for (var kx = 0u; kx < params.kernel_w; kx++) {
        let shift = i32(step + params.padding) - i32(kx * params.dilation);
        if shift % i32(STRIDE) != 0 { continue; }
        let tap = (quad.plane * params.kernel_h + ky) * params.kernel_w + kx;
        let x = vec4i(i32(4u * quad.col) + shift / i32(STRIDE)) + vec4i(0, 1, 2, 3);
        let inside = (x >= vec4i(0)) & (x < vec4i(i32(params.w_out)));
        let at = (tap * params.h_out + y / STRIDE) * params.w_out + select(vec4u(0u), vec4u(x), inside);
        sum += select(vec4f(0.0), vec4f(input[at.x], input[at.y], input[at.z], input[at.w]), inside);
      }
    }
    let first = 4u * STRIDE * quad.col + step;
    let at = (quad.plane * params.h_in + quad.row) * params.w_in + first;
    if first < params.w_in { output[at] = sum.x; }
    if first + STRIDE < params.w_in { output[at + STRIDE] = sum.y; }
    if first + 2u * STRIDE < params.w_in { output[at + 2u * STRIDE] = sum.z; }
    if first + 3u * STRIDE < params.w_in { output[at + 3u * STRIDE] = sum.w; }
  }
}
