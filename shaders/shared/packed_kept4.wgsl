// The counterpart of kept4 for what pack_half packed.
alias Kept = vec2u;
fn kept(i: u32) -> Pack { return vec4f(numbers(input[i].x), numbers(input[i].y)); }
