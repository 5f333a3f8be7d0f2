// One element of `input`; swapped for packed_element where PACKED says that it is f16.
alias Element = f32;
fn element(at: u32) -> f32 { return input[at]; }
