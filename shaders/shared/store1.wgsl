// Stores four neighbours of a row of `output`, an array of f32, where rows have any length.
// Elements past the end repeat the last one in its place: four plain stores, because branches here would not unroll.
alias Row = f32;
fn store_quad(row: u32, quad: u32, width: u32, v: vec4f) {
  let at = row + quad * 4u;
  let last = width - quad * 4u - 1u;
  let y = select(v.x, v.y, last >= 1u);
  let z = select(y, v.z, last >= 2u);
  output[at] = v.x;
  output[at + min(last, 1u)] = y;
  output[at + min(last, 2u)] = z;
  output[at + min(last, 3u)] = select(z, v.w, last >= 3u);
}
