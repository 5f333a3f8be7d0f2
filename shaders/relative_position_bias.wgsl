// What attention in a window adds to a score, by the key's place as seen from the query: bias[head, i, j] = table[row(i, j), head].
// Launcher:  kernels/relative_position_bias.rs   Reference: src/reference/relative_position_bias.rs
// Grid:      64 elements of the output a workgroup, folded past 65 535 groups.
// Numerics:  none.
struct Params { heads: u32, side: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> table: array<f32>;        // [(2·side − 1)², heads]
@group(0) @binding(1) var<storage, read_write> bias: array<f32>;   // [heads, side², side²]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn relative_position_bias(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = flat_group(group, groups) * 64u + local;
  let tokens = params.side * params.side;
  let head = at / (tokens * tokens);
  if head >= params.heads { return; }
  let i = at / tokens % tokens;
  let j = at % tokens;
  let down = i / params.side + params.side - 1u - j / params.side;
  let right = i % params.side + params.side - 1u - j % params.side;
  bias[at] = table[(down * (2u * params.side - 1u) + right) * params.heads + head];
}
