// The two numbers of f16 in a word, the first in the lower half: by the device's own conversion where PACKED is 2, as it was tried (see
// gpu/rounding.rs), else by the bits. For kernels that read what pack_half packed, whose PACKED is not 0.
fn numbers(word: u32) -> vec2f {
  if PACKED == 2u { return unpack2x16float(word); }
  let bits = vec2u(word & 0xffffu, word >> 16u);
  let size = bits & vec2u(0x7fffu);
  let small = bitcast<vec2u>(vec2f(size) * 5.9604644775390625e-8);
  let large = select((size << vec2u(13u)) + vec2u(0x38000000u), (size << vec2u(13u)) | vec2u(0x7f800000u), size >= vec2u(0x7c00u));
  return bitcast<vec2f>(((bits & vec2u(0x8000u)) << vec2u(16u)) | select(large, small, size < vec2u(0x400u)));
}
