// Mean of every plane: output = Σ input / (h·w).
// Launcher:  kernels/adaptive_avg_pool2d.rs   Reference: src/reference/adaptive_avg_pool2d.rs
// Grid:      one workgroup a plane, folded past 65 535 groups.
// Numerics:  f32 sums of plane/64 terms an invocation, four at a time, then two levels of eight.
struct Params { planes: u32, plane: u32, inverse_count: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<Pack>;         // [planes, plane]
@group(0) @binding(1) var<storage, read_write> output: array<f32>;   // [planes]
//!include shared/flat.wgsl
//!include shared/pack4.wgsl
//!include shared/sum2.wgsl

@compute @workgroup_size(64)
fn adaptive_avg_pool2d(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let plane = flat_group(group, groups);
  if plane >= params.planes { return; }
  var sum = Pack(0.0);
  for (var i = local; i < params.plane; i += 64u) { sum += input[plane * params.plane + i]; }
  let all = summed_by_team(local, 64u, vec2f(pack_sum(sum), 0.0));
  if local == 0u { output[plane] = all.x * params.inverse_count; }
}
