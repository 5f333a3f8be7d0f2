// Reads four elements of `input`, an array of f32, wherever they are: the counterpart of input4.
alias Input = f32;
fn read_input(at: vec4u) -> vec4f { return vec4f(input[at.x], input[at.y], input[at.z], input[at.w]); }
