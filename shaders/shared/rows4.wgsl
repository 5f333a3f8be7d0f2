// Four neighbours of a row at a time, from arrays of vec4f; swapped for rows1 where rows are not multiples of four.
// `row` is the index of the row's first element, `quad` counts groups of four in it, `width` is its length.
alias Pack = vec4f; // for activate
alias Bits = vec4u;
fn load_quad(row: u32, quad: u32, width: u32) -> vec4f { return input[row / 4u + quad]; }
