// Gradient of an activation: ∂L/∂x = ∂L/∂y · f'(x), f by KIND (shared/activate.wgsl).
// Launcher:  kernels/activation.rs   Reference: src/reference/activation.rs
// Grid:      64 packs of four elements a workgroup, folded past 65 535 groups.
// Numerics:  a few ulp; finite for every finite x, zero in the saturated tails.
const KIND = 1u;
struct Params { packs: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Pack>;            // [len]
@group(0) @binding(1) var<storage, read> grad_output: array<Pack>;      // [len]
@group(0) @binding(2) var<storage, read_write> grad_input: array<Pack>;  // [len]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/nan.wgsl
//!include shared/activate.wgsl

@compute @workgroup_size(64)
fn activation_grad(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = flat_group(group, groups) * 64u + local;
  if i >= params.packs { return; }
  grad_input[i] = grad_output[i] * activate_derivative(KIND, input[i]);
}
