// The quads of a row that lie `dilation` columns to the left and to the right of a quad, zero outside the row; rows of whole quads.
// The kernel that includes this declares SIDES: 1 and 2 for these dilations, 4 for its multiples, 0 for any other; `input` and
// `input_words` are one buffer, of which shared/source.wgsl says what is made; `v` is that already. Swapped for beside1 where rows are not
// multiples of four.
struct Beside { left: vec4f, right: vec4f }
fn beside(row: u32, quad: u32, width: u32, dilation: u32, v: vec4f) -> Beside {
  let quads = width / 4u;
  let at = row / 4u + quad;
  if SIDES == 1u {
    let left = select(0.0, sourced(input_words[4u * at - select(0u, 1u, quad > 0u)]), quad > 0u);
    let right = select(0.0, sourced(input_words[4u * at + select(0u, 4u, quad + 1u < quads)]), quad + 1u < quads);
    return Beside(vec4f(left, v.xyz), vec4f(v.yzw, right));
  }
  if SIDES == 2u {
    let left = select(vec2f(0.0), sourced4(input[at - select(0u, 1u, quad > 0u)]).zw, quad > 0u);
    let right = select(vec2f(0.0), sourced4(input[at + select(0u, 1u, quad + 1u < quads)]).xy, quad + 1u < quads);
    return Beside(vec4f(left, v.xy), vec4f(v.zw, right));
  }
  if SIDES == 4u {
    let step = dilation / 4u;
    let left = select(vec4f(0.0), sourced4(input[at - select(0u, step, quad >= step)]), quad >= step);
    let right = select(vec4f(0.0), sourced4(input[at + select(0u, step, quad + step < quads)]), quad + step < quads);
    return Beside(left, right);
  }
  return Beside(words(row, width, i32(4u * quad) - i32(dilation)), words(row, width, i32(4u * quad + dilation)));
}
fn words(row: u32, width: u32, col: i32) -> vec4f { return vec4f(word(row, width, col), word(row, width, col + 1), word(row, width, col + 2), word(row, width, col + 3)); }
fn word(row: u32, width: u32, col: i32) -> f32 {
  let inside = col >= 0 && col < i32(width);
  return select(0.0, sourced(input_words[row + select(0u, u32(col), inside)]), inside);
}
