// Plane, row and column of an invocation where invocations walk all planes pixel by pixel, 64 a workgroup.
struct Pixel { plane: u32, row: u32, col: u32 }
fn pixel_of(flat: u32, local: u32, height: u32, width: u32) -> Pixel {
  let i = flat * 64u + local;
  let plane = i / (height * width);
  let rest = i - plane * height * width;
  let row = rest / width;
  return Pixel(plane, row, rest - row * width);
}
