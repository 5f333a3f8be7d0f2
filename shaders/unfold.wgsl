// The inputs of every window of a convolution side by side, so that it is a 1×1 convolution over c·kernel_h·kernel_w channels:
//   y[n, (c, ky, kx), r, q] = x[n, c, r·stride + ky·dilation − padding, q·stride + kx·dilation − padding], 0 outside of x.
// Launcher:  kernels/unfold.rs   Reference: src/reference/unfold.rs   PyTorch: torch.nn.functional.unfold
// Grid:      one pack of columns of an output row, for all taps, an invocation, 64 a workgroup, folded.
// Numerics:  exact.
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, stride: u32, padding: u32, dilation: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;         // [planes, h_in, w_in]
@group(0) @binding(1) var<storage, read_write> output: array<Pack>; // [planes, kernel_h, kernel_w, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/pixel.wgsl
//!include shared/pack4.wgsl
//!include shared/strided4.wgsl

@compute @workgroup_size(64)
fn unfold(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let width = params.w_out / PACK;
  let pack = pixel_of(flat_group(group, groups), local, params.h_out, width);
  if pack.plane >= params.planes { return; }
  let row = i32(pack.row * params.stride) - i32(params.padding);
  let col = i32(pack.col * PACK * params.stride) - i32(params.padding);
  for (var ky = 0u; ky < params.kernel_h; ky++) {
    let y = row + i32(ky * params.dilation);
    let inside = y >= 0 && y < i32(params.h_in);
    let line = (pack.plane * params.h_in + select(0u, u32(y), inside)) * params.w_in;
    for (var kx = 0u; kx < params.kernel_w; kx++) {
      let v = strided(line, col + i32(kx * params.dilation), params.stride, params.w_in);
      let plane = (pack.plane * params.kernel_h + ky) * params.kernel_w + kx;
      output[(plane * params.h_out + pack.row) * width + pack.col] = select(Pack(0.0), v, inside);
    }
  }
}
