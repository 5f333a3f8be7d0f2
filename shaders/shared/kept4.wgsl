// An activation that was kept, `input`, read as it is; swapped for kept1 where rows are not multiples of four, and for packed_kept4 or
// packed_kept1 where PACKED says that it is f16.
alias Kept = vec4f;
fn kept(i: u32) -> Pack { return input[i]; }
