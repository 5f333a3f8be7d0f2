// Gradient of the numbers that planes were multiplied by: grad_row = Σ over a plane of grad_output · input.
// Launcher:  kernels/mul_row.rs   Reference: src/reference/mul_row.rs
// Grid:      one workgroup a plane, folded past 65 535 groups.
// Numerics:  f32 sums of plane/64 terms an invocation, then two levels of eight.
struct Params { planes: u32, plane: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_output: array<f32>;     // [planes, plane]
@group(0) @binding(1) var<storage, read> input: array<f32>;           // [planes, plane]
@group(0) @binding(2) var<storage, read_write> grad_row: array<f32>;  // [planes]
//!include shared/flat.wgsl
//!include shared/sum2.wgsl

@compute @workgroup_size(64)
fn mul_row_grad_row(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let plane = flat_group(group, groups);
  if plane >= params.planes { return; }
  var sum = 0.0;
  for (var i = local; i < params.plane; i += 64u) {
    let at = plane * params.plane + i;
    sum += grad_output[at] * input[at];
  }
  let all = summed_by_team(local, 64u, vec2f(sum, 0.0));
  if local == 0u { grad_row[plane] = all.x; }
}
