// Rows of length 1: y = x / max(‖x‖₂, eps).
// Launcher:  kernels/normalize.rs   Reference: src/reference/normalize.rs   PyTorch: torch.nn.functional.normalize
// Grid:      one team of 8 or 64 invocations a row, folded past 65 535 groups.
// Numerics:  f32 sums of every team-th value of an invocation, then two levels of eight.
struct Params { rows: u32, c: u32, team: u32, eps: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;          // [rows, c]
@group(0) @binding(1) var<storage, read_write> output: array<f32>;   // [rows, c]
@group(0) @binding(2) var<storage, read_write> lengths: array<f32>;  // [rows]
//!include shared/flat.wgsl
//!include shared/sum2.wgsl

// What the first invocation of each team tells the others.
var<workgroup> told: array<f32, 8>;

@compute @workgroup_size(64)
fn normalize(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  // Teams past the end repeat the last row and write nothing: all invocations must reach the barriers.
  let team = local / params.team;
  let member = local % params.team;
  let slot = flat_group(group, groups) * (64u / params.team) + team;
  let row = min(slot, params.rows - 1u);
  let first = row * params.c;
  var squares = 0.0;
  for (var i = member; i < params.c; i += params.team) { squares += input[first + i] * input[first + i]; }
  let all = summed_by_team(local, params.team, vec2f(squares, 0.0)).x;
  if member == 0u { told[team] = sqrt(all); }
  workgroupBarrier();
  let length = told[team];
  if slot != row { return; }
  let factor = 1.0 / max(length, params.eps);
  for (var i = member; i < params.c; i += params.team) { output[first + i] = input[first + i] * factor; }
  if member == 0u { lengths[row] = length; }
}
