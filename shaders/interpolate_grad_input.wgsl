// Gradient of resampling: each input pixel gathers share · grad_output from the output pixels that use it; MODE in shared/resample.wgsl.
// An invocation walks down the output rows that use a strip of rows of one quad of input columns: it gathers each along the row once,
// and shares that out between the two input rows that the output row was made of.
// Launcher:  kernels/interpolate.rs   Reference: src/reference/interpolate.rs
// Grid:      one invocation a (plane, strip, quad), quads fastest, 64 a workgroup, folded.
// Numerics:  f32 sums row by row in scan order; the shares are those of the forward pass.
const MODE = 0u;
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, ratio_h: f32, ratio_w: f32, strip: u32, strips: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<f32>;      // [planes, h_out, w_out]
@group(0) @binding(1) var<storage, read_write> output: array<Row>;     // grad_input [planes, h_in, w_in]
//!include shared/flat.wgsl
//!include shared/resample.wgsl
//!include shared/store4.wgsl

@compute @workgroup_size(64)
fn interpolate_grad_input(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let quads = (params.w_in + 3u) / 4u;
  let task = flat_group(group, groups) * 64u + local;
  let quad = task % quads;
  let part = task / quads;
  let plane = part / params.strips;
  if plane >= params.planes { return; }
  let first = (part % params.strips) * params.strip;
  let end = min(first + params.strip, params.h_in);
  let own = 4u * quad + vec4u(0u, 1u, 2u, 3u);
  let cols = vec2u(users(4u * quad, params.ratio_w, params.w_in, params.w_out).x,
                   users(min(4u * quad + 3u, params.w_in - 1u), params.ratio_w, params.w_in, params.w_out).y);
  let rows = vec2u(users(first, params.ratio_h, params.h_in, params.h_out).x, users(end - 1u, params.ratio_h, params.h_in, params.h_out).y);

  // Sums of input rows `at` and `at` + 1. The first output rows may be shared with the row above the strip, which is not written.
  var here = vec4f(0.0);
  var below = vec4f(0.0);
  var at = i32(first) - 1;
  for (var row = rows.x; row < rows.y; row++) {
    let y = tap(row, params.ratio_h, params.h_in);
    while at < min(i32(y.low), i32(end)) {
      if at >= i32(first) { store_quad((plane * params.h_in + u32(at)) * params.w_in, quad, params.w_in, here); }
      here = below;
      below = vec4f(0.0);
      at += 1;
    }
    var line = vec4f(0.0);
    for (var col = cols.x; col < cols.y; col++) {
      let x = tap(col, params.ratio_w, params.w_in);
      let share = select(vec4f(0.0), vec4f(1.0 - x.share), own == vec4u(x.low)) + select(vec4f(0.0), vec4f(x.share), own == vec4u(x.high));
      line += share * grad_output[(plane * params.h_out + row) * params.w_out + col];
    }
    // Rows that begin above the one before the strip, which the margin of `users` may bring, have no share in it.
    if i32(y.low) == at { here += (1.0 - y.share) * line; }
    if i32(y.high) == at { here += y.share * line; }
    if i32(y.high) == at + 1 { below += y.share * line; }
  }
  for (; at < i32(end); at++) {
    if at >= i32(first) { store_quad((plane * params.h_in + u32(at)) * params.w_in, quad, params.w_in, here); }
    here = below;
    below = vec4f(0.0);
  }
}
