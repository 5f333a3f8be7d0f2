// Stores four elements of `output`, an array of vec4f, side by side from a multiple of four on, all of which are known; swapped for
// output1 where they are not.
alias Row = vec4f;
fn store_output(at: vec4u, known: vec4<bool>, v: vec4f) { if known.x { output[at.x / 4u] = v; } }
