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

@compute @workgroup_size(64)
fn pack_half(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  let x = operand4(input[i]);
  output[i] = vec2u(pack2x16float(x.xy), pack2x16float(x.zw));
}
