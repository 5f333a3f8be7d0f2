// The counterpart of element for what pack_half packed.
alias Element = u32;
fn element(at: u32) -> f32 { return numbers(input[at / 2u])[at % 2u]; }
