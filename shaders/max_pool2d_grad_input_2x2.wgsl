// Gradient of max pooling with kernel 2 and stride 2 where rows are multiples of four: each window writes its own four pixels.
// Launcher:  kernels/max_pool2d.rs   Reference: src/reference/max_pool2d.rs
// Grid:      one invocation two neighbouring windows, and zeros for an odd last row; 64 a workgroup, folded.
// Numerics:  exact.
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel: u32, stride: u32, padding: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<vec2f>;        // [planes, h_out, w_out]
@group(0) @binding(1) var<storage, read> index: array<vec2u>;              // [planes, h_out, w_out]
@group(0) @binding(2) var<storage, read_write> grad_input: array<vec4f>;   // [planes, h_in, w_in]
//!include shared/flat.wgsl
//!include shared/pixel.wgsl

@compute @workgroup_size(64)
fn max_pool2d_grad_input_2x2(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let width = params.w_in / 4u;
  let height = (params.h_in + 1u) / 2u;
  let pixel = pixel_of(flat_group(group, groups), local, height, width);
  if pixel.plane >= params.planes { return; }
  let first = (pixel.plane * params.h_in + 2u * pixel.row) * width + pixel.col;
  if pixel.row == params.h_out {
    grad_input[first] = vec4f(0.0);
    return;
  }
  let o = (pixel.plane * params.h_out + pixel.row) * width + pixel.col;
  let gradient = grad_output[o].xxyy;
  let at = index[o].xxyy;
  let above = vec4u(2u * pixel.row * params.w_in + 4u * pixel.col) + vec4u(0u, 1u, 2u, 3u);
  grad_input[first] = select(vec4f(0.0), gradient, at == above);
  grad_input[first + width] = select(vec4f(0.0), gradient, at == above + params.w_in);
}
