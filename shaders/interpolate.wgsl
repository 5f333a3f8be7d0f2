// Resampling of planes: output = Σ shares · input over one (nearest) or four (bilinear) source pixels; MODE in shared/resample.wgsl.
// An invocation walks down a strip of rows of one quad of output columns; shares along the row are found once. Where the
// map does not shrink, it walks along the source rows instead and resamples each along the row once.
// Launcher:  kernels/interpolate.rs   Reference: src/reference/interpolate.rs
// Grid:      one invocation a (plane, strip, quad), quads fastest, 64 a workgroup, folded.
// Numerics:  coordinates in f32 from the ratios that PyTorch uses, so that nearest picks the same pixels.
const MODE = 0u;
const SLIDE = 0u; // 1: row by row of the source, where the map does not shrink
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, ratio_h: f32, ratio_w: f32, strip: u32, strips: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;          // [planes, h_in, w_in]
@group(0) @binding(1) var<storage, read_write> output: array<Row>;   // [planes, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/resample.wgsl
//!include shared/store4.wgsl

@compute @workgroup_size(64)
fn interpolate(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let quads = (params.w_out + 3u) / 4u;
  let task = flat_group(group, groups) * 64u + local;
  let quad = task % quads;
  let part = task / quads;
  let plane = part / params.strips;
  if plane >= params.planes { return; }
  let first = (part % params.strips) * params.strip;
  let end = min(first + params.strip, params.h_out);
  let cols = min(4u * quad + vec4u(0u, 1u, 2u, 3u), vec4u(params.w_out - 1u));
  let a = tap(cols.x, params.ratio_w, params.w_in);
  let b = tap(cols.y, params.ratio_w, params.w_in);
  let c = tap(cols.z, params.ratio_w, params.w_in);
  let d = tap(cols.w, params.ratio_w, params.w_in);
  let low = vec4u(a.low, b.low, c.low, d.low);
  let high = vec4u(a.high, b.high, c.high, d.high);
  let share = vec4f(a.share, b.share, c.share, d.share);

  let line_out = plane * params.h_out;
  if SLIDE == 0u {
    for (var row = first; row < end; row++) {
      let y = tap(row, params.ratio_h, params.h_in);
      var value = line(plane, y.low, low, high, share);
      if MODE != 0u { value = (1.0 - y.share) * value + y.share * line(plane, y.high, low, high, share); }
      store_quad((line_out + row) * params.w_out, quad, params.w_out, value);
    }
    return;
  }
  var row = first;
  var y = tap(row, params.ratio_h, params.h_in);
  var below = vec4f(0.0);
  if MODE != 0u { below = line(plane, y.low, low, high, share); }
  for (var source = y.low; row < end; source++) {
    var above = below;
    if MODE == 0u { above = line(plane, source, low, high, share); } else { below = line(plane, min(source + 1u, params.h_in - 1u), low, high, share); }
    // The rows that begin in this source row.
    while row < end && y.low == source {
      let value = select((1.0 - y.share) * above + y.share * below, above, MODE == 0u);
      store_quad((line_out + row) * params.w_out, quad, params.w_out, value);
      row += 1u;
      y = tap(row, params.ratio_h, params.h_in);
    }
  }
}

fn line(plane: u32, row: u32, low: vec4u, high: vec4u, share: vec4f) -> vec4f {
  let at = (plane * params.h_in + row) * params.w_in;
  let left = vec4f(input[at + low.x], input[at + low.y], input[at + low.z], input[at + low.w]);
  if MODE == 0u { return left; }
  return (1.0 - share) * left + share * vec4f(input[at + high.x], input[at + high.y], input[at + high.z], input[at + high.w]);
}
