// The quads of a row that lie `dilation` columns to the left and to the right of a quad, zero outside the row; rows of any length.
struct Beside { left: vec4f, right: vec4f }
fn beside(row: u32, quad: u32, width: u32, dilation: u32, v: vec4f) -> Beside {
  if SIDES == 1u {
    return Beside(vec4f(word(row, width, i32(4u * quad) - 1), v.xyz), vec4f(v.yzw, word(row, width, i32(4u * quad) + 4)));
  }
  return Beside(words(row, width, i32(4u * quad) - i32(dilation)), words(row, width, i32(4u * quad + dilation)));
}
fn words(row: u32, width: u32, col: i32) -> vec4f { return vec4f(word(row, width, col), word(row, width, col + 1), word(row, width, col + 2), word(row, width, col + 3)); }
fn word(row: u32, width: u32, col: i32) -> f32 {
  let inside = col >= 0 && col < i32(width);
  return select(0.0, sourced(input_words[row + select(0u, u32(col), inside)]), inside);
}
