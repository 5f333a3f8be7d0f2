// Four neighbours of a row at a time, from arrays of f32 and rows of any length; elements past the end read as 0.
alias Row = f32;
alias Pack = vec4f; // for activate
fn load_quad(row: u32, quad: u32, width: u32) -> vec4f {
  let x = quad * 4u;
  let left = width - x;
  return vec4f(input[row + x], select(0.0, input[row + x + 1u], left > 1u), select(0.0, input[row + x + 2u], left > 2u),
               select(0.0, input[row + x + 3u], left > 3u));
}
// Elements past the end repeat the last one in its place: four plain stores, because branches here would not unroll.
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
