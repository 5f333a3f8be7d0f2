// The counterpart of kept1 for what pack_half packed.
alias Kept = u32;
fn kept(i: u32) -> Pack { return numbers(input[i / 2u])[i % 2u]; }
