// Operands of products as f16 holds them, by the device's own f16; the counterpart of operand where HALF is 2.
fn operand(x: f32) -> f32 { return f32(f16(x)); }
fn operand4(x: vec4f) -> vec4f { return vec4f(vec4<f16>(x)); }
