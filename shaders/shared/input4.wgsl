// Reads four elements of `input`, an array of vec4f, that lie side by side from a multiple of four on; swapped for input1 where they do
// not.
alias Input = vec4f;
fn read_input(at: vec4u) -> vec4f { return input[at.x / 4u]; }
