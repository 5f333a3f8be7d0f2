// The counterpart of input4 for what pack_half packed.
alias Input = vec2u;
fn read_input(at: vec4u) -> vec4f { return vec4f(numbers(input[at.x / 4u].x), numbers(input[at.x / 4u].y)); }
