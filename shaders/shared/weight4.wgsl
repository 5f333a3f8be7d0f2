// Reads four elements of `weight`, an array of vec4f, that lie side by side from a multiple of four on; swapped for weight1 where they do
// not.
alias Weight = vec4f;
fn read_weight(at: vec4u) -> vec4f { return weight[at.x / 4u]; }
