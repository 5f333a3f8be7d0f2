// Resampling of planes: output = Σ shares · input over one (nearest) or four (bilinear) source pixels; MODE in shared/resample.wgsl.
// Launcher:  kernels/interpolate.rs   Reference: tests/reference/interpolate.rs
// Grid:      one invocation an output pixel, 64 a workgroup, folded.
// Numerics:  coordinates in f32 from the ratios that PyTorch uses, so that nearest picks the same pixels.
const MODE = 0u;
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, ratio_h: f32, ratio_w: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;          // [planes, h_in, w_in]
@group(0) @binding(1) var<storage, read_write> output: array<f32>;   // [planes, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/pixel.wgsl
//!include shared/resample.wgsl

@compute @workgroup_size(64)
fn interpolate(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let pixel = pixel_of(flat_group(group, groups), local, params.h_out, params.w_out);
  if pixel.plane >= params.planes { return; }
  let y = tap(pixel.row, params.ratio_h, params.h_in);
  let x = tap(pixel.col, params.ratio_w, params.w_in);
  let low = (pixel.plane * params.h_in + y.low) * params.w_in;
  var value = input[low + x.low];
  if MODE != 0u {
    let high = (pixel.plane * params.h_in + y.high) * params.w_in;
    let above = (1.0 - x.share) * value + x.share * input[low + x.high];
    let below = (1.0 - x.share) * input[high + x.low] + x.share * input[high + x.high];
    value = (1.0 - y.share) * above + y.share * below;
  }
  output[(pixel.plane * params.h_out + pixel.row) * params.w_out + pixel.col] = value;
}
