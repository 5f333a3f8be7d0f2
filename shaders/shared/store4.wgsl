// Stores four neighbours of a row of `output`, an array of vec4f; swapped for store1 where rows are not multiples of four.
// `row` is the index of the row's first element, `quad` counts groups of four in it, `width` is its length.
alias Row = vec4f;
fn store_quad(row: u32, quad: u32, width: u32, v: vec4f) { output[row / 4u + quad] = v; }
