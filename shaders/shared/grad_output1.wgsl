// Reads four elements of `grad_output`, an array of f32, wherever they are: the counterpart of grad_output4.
alias GradOutput = f32;
fn read_grad_output(at: vec4u) -> vec4f {
  return vec4f(grad_output[at.x], grad_output[at.y], grad_output[at.z], grad_output[at.w]);
}
