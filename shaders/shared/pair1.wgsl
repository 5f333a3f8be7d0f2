// Four neighbours of a row of two tensors at a time, from arrays of f32 and rows of any length; elements past the end read as 0.
alias Row = f32;
fn load_input(row: u32, quad: u32, width: u32) -> vec4f {
  let at = row + quad * 4u;
  let left = width - quad * 4u;
  return vec4f(input[at], select(0.0, input[at + 1u], left > 1u), select(0.0, input[at + 2u], left > 2u), select(0.0, input[at + 3u], left > 3u));
}
fn load_grad_output(row: u32, quad: u32, width: u32) -> vec4f {
  let at = row + quad * 4u;
  let left = width - quad * 4u;
  return vec4f(grad_output[at], select(0.0, grad_output[at + 1u], left > 1u), select(0.0, grad_output[at + 2u], left > 2u), select(0.0, grad_output[at + 3u], left > 3u));
}
