// Layer normalisation, each row on its own: y = ((x − mean)·invstd)·weight + bias, invstd = 1/√(biased variance + eps). The mean is kept as
// the distance from the row's first element, so that rows with a large offset lose nothing.
// Launcher:  kernels/layer_norm.rs   Reference: src/reference/layer_norm.rs   PyTorch: torch.nn.functional.layer_norm
// Grid:      one team of 8 or 64 invocations a row, folded past 65 535 groups.
// Numerics:  f32 sums of every team-th value of an invocation, then two levels of eight.
struct Params { rows: u32, c: u32, team: u32, eps: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;        // [rows, c]
@group(0) @binding(1) var<storage, read> weight: array<f32>;       // [c]
@group(0) @binding(2) var<storage, read> bias: array<f32>;         // [c]
@group(0) @binding(3) var<storage, read_write> output: array<f32>; // [rows, c]
@group(0) @binding(4) var<storage, read_write> stats: array<vec2f>; // [rows] of (mean − first element, invstd)
//!include shared/flat.wgsl
//!include shared/pack1.wgsl
//!include shared/pinned.wgsl
//!include shared/sum2.wgsl

// What the first invocation of each team tells the others.
var<workgroup> told: array<f32, 8>;

@compute @workgroup_size(64)
fn layer_norm(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  // Teams past the end repeat the last row and write nothing: all invocations must reach the barriers.
  let team = local / params.team;
  let member = local % params.team;
  let slot = flat_group(group, groups) * (64u / params.team) + team;
  let row = min(slot, params.rows - 1u);
  let first = row * params.c;
  let shift = input[first];
  let zero = params.rows >> 31u;
  var sum = 0.0;
  for (var i = member; i < params.c; i += params.team) { sum += pinned(input[first + i] - shift, zero); }
  let all = summed_by_team(local, params.team, vec2f(sum, 0.0)).x;
  if member == 0u { told[team] = all / f32(params.c); }
  workgroupBarrier();
  let mean = told[team];
  var squares = 0.0;
  for (var i = member; i < params.c; i += params.team) {
    let rest = pinned(input[first + i] - shift, zero) - mean;
    squares += rest * rest;
  }
  let spread = summed_by_team(local, params.team, vec2f(squares, 0.0)).x;
  if member == 0u { told[team] = 1.0 / sqrt(spread / f32(params.c) + params.eps); }
  workgroupBarrier();
  let invstd = told[team];
  if slot != row { return; }
  for (var i = member; i < params.c; i += params.team) {
    output[first + i] = (pinned(input[first + i] - shift, zero) - mean) * invstd * weight[i] + bias[i];
  }
  if member == 0u { stats[row] = vec2f(mean, invstd); }
}
