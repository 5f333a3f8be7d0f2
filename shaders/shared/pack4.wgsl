// Four neighbours of a row at a time; swapped for pack1 where rows are not multiples of four.
alias Pack = vec4f;
alias Bits = vec4u;
const PACK: u32 = 4u;
fn pack_sum(v: Pack) -> f32 { return (v.x + v.y) + (v.z + v.w); }
fn first_of(v: Pack) -> f32 { return v.x; }
