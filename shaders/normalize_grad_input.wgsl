// Gradient of rows of length 1: ∂L/∂x = (∂L/∂y − y·Σ ∂L/∂y·y) / ‖x‖₂, and ∂L/∂y / eps for rows that are not longer than eps.
// Launcher:  kernels/normalize.rs   Reference: src/reference/normalize.rs
// Grid:      one team of 8 or 64 invocations a row, folded past 65 535 groups.
// Numerics:  f32 sums of every team-th value of an invocation, then two levels of eight.
struct Params { rows: u32, c: u32, team: u32, eps: f32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> output: array<f32>;            // [rows, c]
@group(0) @binding(1) var<storage, read> lengths: array<f32>;           // [rows]
@group(0) @binding(2) var<storage, read> grad_output: array<f32>;       // [rows, c]
@group(0) @binding(3) var<storage, read_write> grad_input: array<f32>;  // [rows, c]
//!include shared/flat.wgsl
//!include shared/sum2.wgsl

// What the first invocation of each team tells the others.
var<workgroup> told: array<f32, 8>;

@compute @workgroup_size(64)
fn normalize_grad_input(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  // Teams past the end repeat the last row and write nothing: all invocations must reach the barriers.
  let team = local / params.team;
  let member = local % params.team;
  let slot = flat_group(group, groups) * (64u / params.team) + team;
  let row = min(slot, params.rows - 1u);
  let first = row * params.c;
  var product = 0.0;
  for (var i = member; i < params.c; i += params.team) { product += grad_output[first + i] * output[first + i]; }
  let all = summed_by_team(local, params.team, vec2f(product, 0.0)).x;
  if member == 0u { told[team] = select(0.0, all, lengths[row] > params.eps); }
  workgroupBarrier();
  let along = told[team];
  if slot != row { return; }
  let factor = 1.0 / max(lengths[row], params.eps);
  for (var i = member; i < params.c; i += params.team) {
    grad_input[first + i] = (grad_output[first + i] - along * output[first + i]) * factor;
  }
}
