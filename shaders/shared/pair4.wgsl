// Four neighbours of a row of two tensors at a time, from arrays of vec4f; swapped for pair1 where rows are not multiples of four.
alias Row = vec4f;
fn load_input(row: u32, quad: u32, width: u32) -> vec4f { return input[row / 4u + quad]; }
fn load_grad_output(row: u32, quad: u32, width: u32) -> vec4f { return grad_output[row / 4u + quad]; }
