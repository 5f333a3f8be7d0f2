// Four neighbours of a row at a time, from arrays of f32 and rows of any length; elements past the end read as 0.
alias Pack = vec4f; // for activate
alias Bits = vec4u;
fn load_quad(row: u32, quad: u32, width: u32) -> vec4f {
  let x = quad * 4u;
  let left = width - x;
  return vec4f(input[row + x], select(0.0, input[row + x + 1u], left > 1u), select(0.0, input[row + x + 2u], left > 2u),
               select(0.0, input[row + x + 3u], left > 3u));
}
