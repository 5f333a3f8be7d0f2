// Reads four elements of `grad_output`, an array of vec4f, that lie side by side from a multiple of four on; swapped for grad_output1
// where they do not.
alias GradOutput = vec4f;
fn read_grad_output(at: vec4u) -> vec4f { return grad_output[at.x / 4u]; }
