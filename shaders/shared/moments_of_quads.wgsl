// Count, mean and sum of squared deviations of the quads that an invocation stores, for the batch norm behind: as distances from its first
// value, so that data with a large offset lose nothing (Chan, Golub & LeVeque 1983, The American Statistician 37(3), 242-247).
// The kernel that includes this has MOMENTS, which is 1 where a norm wants them, and the array `moments`.
var<private> shift: f32;
var<private> count: f32;
var<private> distances: vec4f;
var<private> squares: vec4f;
fn count_quad(v: vec4f, quad: u32, width: u32) {
  if MOMENTS == 0u { return; }
  if count == 0.0 { shift = v.x; }
  let known = vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u) < vec4u(width);
  let distance = select(vec4f(0.0), v - shift, known);
  count += dot(select(vec4f(0.0), vec4f(1.0), known), vec4f(1.0));
  distances += distance;
  squares += distance * distance;
}
fn store_moments(place: u32) {
  if MOMENTS == 0u { return; }
  let sum = (distances.x + distances.y) + (distances.z + distances.w);
  let mean = sum / max(count, 1.0);
  let square = (squares.x + squares.y) + (squares.z + squares.w);
  moments[place] = vec4f(count, mean, max(square - sum * mean, 0.0), shift);
}
