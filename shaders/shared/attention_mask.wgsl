// Windows of rolled maps: what is added to the score of tokens from different sides of the map. The kernel that includes this declares
// params with heads, first, side, shift, down and across.
const APART: f32 = -100.0;

// Which side of its map a token of a window comes from: 0 where the map was not rolled, or the window lies before its edge.
fn side_of(head: u32, token: u32) -> u32 {
  if params.shift == 0u { return 0u; }
  let window = (params.first + head / params.heads) % (params.down * params.across);
  let rows = window / params.across + 1u == params.down && token / params.side + params.shift >= params.side;
  let cols = window % params.across + 1u == params.across && token % params.side + params.shift >= params.side;
  return select(0u, 1u, rows) + select(0u, 2u, cols);
}
