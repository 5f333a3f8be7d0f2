// Plane, row and column of an invocation where whole workgroups of 64 cover each plane pixel by pixel. Rows from `height` on are outside.
struct Pixel { plane: u32, row: u32, col: u32 }
fn pixel_of(flat: u32, local: u32, height: u32, width: u32) -> Pixel {
  let groups_per_plane = (height * width + 63u) / 64u;
  let plane = flat / groups_per_plane;
  let i = (flat - plane * groups_per_plane) * 64u + local;
  let row = i / width;
  return Pixel(plane, row, i - row * width);
}
