// What a convolution makes of the numbers that it reads, by its constant SOURCE: 0 nothing; 1 a batch norm and 2 a batch norm with a
// rectifier behind it, as batch_norm.wgsl computes them; 3 a rectifier. The kernel first sets `source` to the channel's norm.
// The kernel that includes this has `stats`, `scale` and `bias` of the norm, and shared/nan.wgsl.
struct Source { stats: vec4f, gain: f32, offset: f32, zero: u32 }
var<private> source: Source;
// `zero`: see shared/pinned.wgsl.
fn source_of(channel: u32, zero: u32) -> Source {
  if SOURCE == 0u || SOURCE == 3u { return Source(vec4f(0.0), 1.0, 0.0, zero); }
  return Source(stats[channel], scale[channel], bias[channel], zero);
}
fn sourced4(x: vec4f) -> vec4f {
  if SOURCE == 0u { return x; }
  var y = x;
  if SOURCE != 3u {
    let distance = bitcast<vec4f>(bitcast<vec4u>(x - source.stats.x) ^ vec4u(source.zero));
    y = (distance - source.stats.y) * source.stats.z * source.gain + source.offset;
  }
  if SOURCE == 1u { return y; }
  return select(max(y, vec4f(0.0)), y, are_nan(y));
}
fn sourced(x: f32) -> f32 { return sourced4(vec4f(x)).x; }
// A quad of a row; what is read past the row's end as zero stays zero.
fn sourced_quad(x: vec4f, quad: u32, width: u32) -> vec4f {
  if SOURCE == 0u { return x; }
  return select(vec4f(0.0), sourced4(x), vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u) < vec4u(width));
}
