// Where a pack of the windows lies in the map. The kernel that includes this declares params with h, w and c, in packs, of the map, and
// window and shift.
fn place_in_map(i: u32) -> u32 {
  let tokens = params.window * params.window;
  let token = i / params.c % tokens;
  let number = i / (params.c * tokens);
  let across = params.w / params.window;
  let down = params.h / params.window;
  let row = (number / across % down * params.window + token / params.window + params.shift) % params.h;
  let col = (number % across * params.window + token % params.window + params.shift) % params.w;
  return ((number / (across * down) * params.h + row) * params.w + col) * params.c + i % params.c;
}
