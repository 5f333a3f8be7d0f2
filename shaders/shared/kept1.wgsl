// The counterpart of kept4 one by one.
alias Kept = f32;
fn kept(i: u32) -> Pack { return input[i]; }
