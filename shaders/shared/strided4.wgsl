// Four elements of a row of `input`, `stride` apart from column `col` on, zero outside the row; swapped for strided1 beside pack1.
fn strided(row: u32, col: i32, stride: u32, width: u32) -> Pack {
  let at = vec4i(col) + vec4i(vec4u(0u, 1u, 2u, 3u) * stride);
  let inside = (at >= vec4i(0)) & (at < vec4i(i32(width)));
  let i = row + select(vec4u(0u), vec4u(at), inside);
  return select(vec4f(0.0), vec4f(input[i.x], input[i.y], input[i.z], input[i.w]), inside);
}
