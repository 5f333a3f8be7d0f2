// Operands of products as f16 holds them where the kernel's HALF is not 0: rounded to the nearest, ties to even, past the largest to
// infinity (IEEE 754, binary16), and held as f32. This is by the bits, for devices without f16; swapped for operand_f16 where HALF is 2.
fn operand(x: f32) -> f32 {
  if HALF == 0u { return x; }
  let bits = bitcast<u32>(x);
  let size = bits & 0x7fffffffu;
  // Below 2⁻¹⁴ multiples of 2⁻²⁴, from there on 11 bits.
  let small = bitcast<u32>(round(bitcast<f32>(size) * 16777216.0) * 5.9604644775390625e-8);
  let large = (size + 0xfffu + ((size >> 13u) & 1u)) & 0xffffe000u;
  let kept = select(select(large, 0x7f800000u, large > 0x477fe000u), small, size < 0x38800000u);
  return bitcast<f32>((bits & 0x80000000u) | select(kept, size, size > 0x7f800000u));
}
fn operand4(x: vec4f) -> vec4f {
  if HALF == 0u { return x; }
  let bits = bitcast<vec4u>(x);
  let size = bits & vec4u(0x7fffffffu);
  let small = bitcast<vec4u>(round(bitcast<vec4f>(size) * 16777216.0) * 5.9604644775390625e-8);
  let large = (size + 0xfffu + ((size >> vec4u(13u)) & vec4u(1u))) & vec4u(0xffffe000u);
  let kept = select(select(large, vec4u(0x7f800000u), large > vec4u(0x477fe000u)), small, size < vec4u(0x38800000u));
  return bitcast<vec4f>((bits & vec4u(0x80000000u)) | select(kept, size, size > vec4u(0x7f800000u)));
}
