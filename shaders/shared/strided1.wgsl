// The element of a row of `input` at column `col`, zero outside the row: the counterpart of strided4.
fn strided(row: u32, col: i32, stride: u32, width: u32) -> Pack {
  let inside = col >= 0 && col < i32(width);
  return select(0.0, input[row + select(0u, u32(col), inside)], inside);
}
