// Numbers as f16, two a word (the first in the lower half): rounded to the nearest, ties to even, past the largest to infinity.
// Launcher:  kernels/pack_half.rs   Reference: src/reference/operands.rs   PyTorch: Tensor.half
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  one rounding.
const HALF = 1u; // see shared/operand.wgsl
struct Params { packs: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec4f>;         // [len]
@group(0) @binding(1) var<storage, read_write> output: array<vec2u>;  // [len / 2] words
//!include shared/flat.wgsl
//!include shared/operand.wgsl

// What f16 holds, in its bits: multiples of 2⁻²⁴ below 2⁻¹⁴, from there on the exponent counted from 15 instead of 127.
fn halves(x: vec4f) -> vec4u {
  let bits = bitcast<vec4u>(x);
  let size = bits & vec4u(0x7fffffffu);
  let small = vec4u(bitcast<vec4f>(min(size, vec4u(0x38800000u))) * 16777216.0);
  let kept = min(select((size >> vec4u(13u)) - vec4u(0x1c000u), small, size < vec4u(0x38800000u)), vec4u(0x7c00u));
  return ((bits >> vec4u(16u)) & vec4u(0x8000u)) | select(kept, vec4u(0x7e00u), size > vec4u(0x7f800000u));
}

@compute @workgroup_size(64)
fn pack_half(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  let x = halves(operand4(input[i]));
  output[i] = x.xz | (x.yw << vec2u(16u));
}
