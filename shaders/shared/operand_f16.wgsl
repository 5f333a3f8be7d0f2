// Operands of products as f16 holds them, by the device's own f16; the counterpart of operand where HALF is 2. Through a packed word, as
// compilers may take f32(f16(x)) for x: Mesa 26 does.
fn operand(x: f32) -> f32 { return unpack2x16float(pack2x16float(vec2f(x, 0.0))).x; }
fn operand4(x: vec4f) -> vec4f { return vec4f(unpack2x16float(pack2x16float(x.xy)), unpack2x16float(pack2x16float(x.zw))); }
