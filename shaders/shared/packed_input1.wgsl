// The counterpart of input1 for what pack_half packed.
alias Input = u32;
fn word_of(at: u32) -> f32 { return numbers(input[at / 2u])[at % 2u]; }
fn read_input(at: vec4u) -> vec4f { return vec4f(word_of(at.x), word_of(at.y), word_of(at.z), word_of(at.w)); }
