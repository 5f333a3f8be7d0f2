// Four neighbours of a row at a time; swapped for pack1 where rows are not multiples of four.
alias Pack = vec4f;
const PACK: u32 = 4u;
fn pack_sum(v: Pack) -> f32 { return (v.x + v.y) + (v.z + v.w); }
fn pack_max(v: Pack) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
fn first_of(v: Pack) -> f32 { return v.x; }
