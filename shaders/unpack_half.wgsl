// Numbers that pack_half packed, as f32 again.
// Launcher:  kernels/pack_half.rs   Reference: src/reference/operands.rs   PyTorch: Tensor.float
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  exact.
struct Params { packs: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec2u>;         // [len / 2] words
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;  // [len]
//!include shared/flat.wgsl

// The numbers of which f16 has these bits; see pack_half.
fn numbers(bits: vec4u) -> vec4f {
  let size = bits & vec4u(0x7fffu);
  let small = bitcast<vec4u>(vec4f(size) * 5.9604644775390625e-8);
  let large = select((size << vec4u(13u)) + vec4u(0x38000000u), (size << vec4u(13u)) | vec4u(0x7f800000u), size >= vec4u(0x7c00u));
  return bitcast<vec4f>(((bits & vec4u(0x8000u)) << vec4u(16u)) | select(large, small, size < vec4u(0x400u)));
}

@compute @workgroup_size(64)
fn unpack_half(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  let x = input[i];
  output[i] = numbers(vec4u(x.x, x.x >> 16u, x.y, x.y >> 16u));
}
