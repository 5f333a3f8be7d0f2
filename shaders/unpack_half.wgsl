// Numbers that pack_half packed, as f32 again.
// Launcher:  kernels/pack_half.rs   Reference: src/reference/operands.rs   PyTorch: Tensor.float
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  exact.
const PACKED = 1u; // see shared/numbers.wgsl
struct Params { packs: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<vec2u>;         // [len / 2] words
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;  // [len]
//!include shared/flat.wgsl
//!include shared/numbers.wgsl

@compute @workgroup_size(64)
fn unpack_half(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  let x = input[i];
  output[i] = vec4f(numbers(x.x), numbers(x.y));
}
