// One element at a time: the counterpart of pack4 for rows of any length.
alias Pack = f32;
alias Bits = u32;
const PACK: u32 = 1u;
fn pack_sum(v: Pack) -> f32 { return v; }
fn first_of(v: Pack) -> f32 { return v; }
