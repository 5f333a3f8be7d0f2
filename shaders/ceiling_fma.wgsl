// Multiplies and adds in registers: the rate of arithmetic that kernels can reach here. Six vectors of four: 24 independent
// chains a ← a·factor + term hide the latency; factor and term are loaded once, and loops are short enough to be unrolled.
// Launcher:  bench/ceilings.rs   Reference: src/bench/ceilings.rs, which follows the recurrence in f64
// Grid:      64 invocations a workgroup, folded past 65 535 groups.
// Numerics:  f32; the compiler may fuse multiply and add.
struct Params { len: u32, rounds: u32, factor: f32, term: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read_write> output: array<f32>;   // [len], sums of an invocation's 24 chains
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn ceiling_fma(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = flat_group(group, groups) * 64u + local;
  if at >= params.len { return; }
  let factor = params.factor;
  let term = params.term;
  var chains: array<vec4f, 6>;
  for (var i = 0u; i < 6u; i++) { chains[i] = vec4f(f32(local)) + vec4f(0.0, 1.0, 2.0, 3.0) + f32(4u * i); }
  for (var round = 0u; round < params.rounds; round++) {
    for (var step = 0u; step < 16u; step++) {
      for (var i = 0u; i < 6u; i++) { chains[i] = chains[i] * factor + term; }
    }
  }
  var sum = chains[0];
  for (var i = 1u; i < 6u; i++) { sum += chains[i]; }
  output[at] = (sum.x + sum.y) + (sum.z + sum.w);
}
