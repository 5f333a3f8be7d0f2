// Reads four elements of `weight`, an array of f32, wherever they are: the counterpart of weight4.
alias Weight = f32;
fn read_weight(at: vec4u) -> vec4f { return vec4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]); }
