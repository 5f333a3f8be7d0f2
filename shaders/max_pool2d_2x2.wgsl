// Max pooling with kernel 2 and stride 2 of rows that are multiples of four: two windows an invocation, else as max_pool2d.
// Launcher:  kernels/max_pool2d.rs   Reference: src/reference/max_pool2d.rs
// Grid:      one invocation two neighbouring output pixels, 64 a workgroup, folded.
// Numerics:  exact; ties to the first in scan order, NaN wins.
struct Params { planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel: u32, stride: u32, padding: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;          // [planes, h_in, w_in]
@group(0) @binding(1) var<storage, read_write> output: array<vec2f>;   // [planes, h_out, w_out]
@group(0) @binding(2) var<storage, read_write> index: array<vec2u>;    // [planes, h_out, w_out]
//!include shared/flat.wgsl
//!include shared/pixel.wgsl
//!include shared/nan.wgsl

@compute @workgroup_size(64)
fn max_pool2d_2x2(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let width = params.w_in / 4u;
  let pixel = pixel_of(flat_group(group, groups), local, params.h_out, width);
  if pixel.plane >= params.planes { return; }
  let first = (pixel.plane * params.h_in + 2u * pixel.row) * width + pixel.col;
  let above = input[first];
  let below = input[first + width];
  let place = 2u * pixel.row * params.w_in + 4u * pixel.col;
  let left = vec2u(place, place + 2u);
  var best = above.xz;
  var at = left;
  at = select(at, left + 1u, wins(above.yw, best));
  best = select(best, above.yw, wins(above.yw, best));
  at = select(at, left + params.w_in, wins(below.xz, best));
  best = select(best, below.xz, wins(below.xz, best));
  at = select(at, left + params.w_in + 1u, wins(below.yw, best));
  best = select(best, below.yw, wins(below.yw, best));
  let o = (pixel.plane * params.h_out + pixel.row) * width + pixel.col;
  output[o] = best;
  index[o] = at;
}

fn wins(value: vec2f, best: vec2f) -> vec2<bool> {
  let nan = are_nan(vec4f(value, best));
  return nan.xy | ((value > best) & !nan.zw);
}
