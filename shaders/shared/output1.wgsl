// Stores the known ones of four elements of `output`, an array of f32, wherever they are: the counterpart of output4.
alias Row = f32;
fn store_output(at: vec4u, known: vec4<bool>, v: vec4f) {
  for (var p = 0u; p < 4u; p++) {
    if known[p] { output[at[p]] = v[p]; }
  }
}
