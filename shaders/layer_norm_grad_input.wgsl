// Gradient of layer normalisation by its input: ∂L/∂x = invstd·(g − mean(g) − x̂·mean(g·x̂)), g = ∂L/∂y·weight, x̂ = (x − mean)·invstd.
// Launcher:  kernels/layer_norm.rs   Reference: src/reference/layer_norm.rs
// Grid:      one team of 8 or 64 invocations a row, folded past 65 535 groups.
// Numerics:  f32 sums of every team-th value of an invocation, then two levels of eight.
struct Params { rows: u32, c: u32, team: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> input: array<f32>;            // [rows, c]
@group(0) @binding(1) var<storage, read> grad_output: array<f32>;      // [rows, c]
@group(0) @binding(2) var<storage, read> weight: array<f32>;           // [c]
@group(0) @binding(3) var<storage, read> stats: array<vec2f>;          // [rows] of (mean − first element, invstd)
@group(0) @binding(4) var<storage, read_write> grad_input: array<f32>; // [rows, c]
//!include shared/flat.wgsl
//!include shared/pack1.wgsl
//!include shared/pinned.wgsl
//!include shared/sum2.wgsl

// What the first invocation of each team tells the others.
var<workgroup> told: array<vec2f, 8>;

@compute @workgroup_size(64)
fn layer_norm_grad_input(
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
  let shift = input[first];
  let zero = params.rows >> 31u;
  let mean = stats[row].x;
  let invstd = stats[row].y;
  var own = vec2f(0.0);
  for (var i = member; i < params.c; i += params.team) {
    let standard = (pinned(input[first + i] - shift, zero) - mean) * invstd;
    let g = grad_output[first + i] * weight[i];
    own += vec2f(g, g * standard);
  }
  let all = summed_by_team(local, params.team, own);
  if member == 0u { told[team] = all / f32(params.c); }
  workgroupBarrier();
  let means = told[team];
  if slot != row { return; }
  for (var i = member; i < params.c; i += params.team) {
    let standard = (pinned(input[first + i] - shift, zero) - mean) * invstd;
    grad_input[first + i] = invstd * (grad_output[first + i] * weight[i] - means.x - standard * means.y);
  }
}
