// The input columns that the three taps of a row meet at stride 2 and padding 1, for a quad of output columns: 8·quad − 1, + 1, + 3, + 5
// by the left tap, one further by the middle and one more by the right one; zero outside the plane.
// The kernel that includes this has `load_quad`, the words of the same buffer as `input_words`, shared/operand.wgsl and
// shared/source.wgsl.
struct Columns { left: vec4f, here: vec4f, right: vec4f }
fn columns(plane: u32, row: i32, quad: u32, height: u32, width: u32) -> Columns {
  let quads = (width + 3u) / 4u;
  let inside = row >= 0 && row < i32(height);
  let at = (plane * height + select(0u, u32(row), inside)) * width;
  let second = inside && 2u * quad + 1u < quads;
  let before = inside && quad > 0u;
  let a = operand4(select(vec4f(0.0), sourced_quad(load_quad(at, 2u * quad, width), 2u * quad, width), inside));
  let next = select(2u * quad, 2u * quad + 1u, second);
  let b = operand4(select(vec4f(0.0), sourced_quad(load_quad(at, next, width), next, width), second));
  let edge = operand(select(0.0, sourced(input_words[at + select(0u, 8u * quad - 1u, before)]), before));
  let right = vec4f(a.yw, b.yw);
  return Columns(vec4f(edge, right.xyz), vec4f(a.xz, b.xz), right);
}
