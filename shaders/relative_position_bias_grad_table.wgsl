// Gradient of the table of relative_position_bias: the sum over all queries and keys of a row.
// Launcher:  kernels/relative_position_bias.rs   Reference: src/reference/relative_position_bias.rs
// Grid:      one invocation an element of the table, 64 a workgroup, folded past 65 535 groups.
// Numerics:  f32; queries in order, summed row by row of the window.
struct Params { heads: u32, side: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> grad_bias: array<f32>;         // [heads, side², side²]
@group(0) @binding(1) var<storage, read_write> grad_table: array<f32>;  // [(2·side − 1)², heads]
//!include shared/flat.wgsl

@compute @workgroup_size(64)
fn relative_position_bias_grad_table(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let at = flat_group(group, groups) * 64u + local;
  let side = params.side;
  let wide = 2u * side - 1u;
  if at >= wide * wide * params.heads { return; }
  let tokens = side * side;
  let head = at % params.heads;
  let down = at / params.heads / wide;
  let right = at / params.heads % wide;
  // The key of query (y, x) is (y + side − 1 − down, x + side − 1 − right), where that is within the window.
  var sum = 0.0;
  for (var y = max(down, side - 1u) + 1u - side; y < min(side, down + 1u); y++) {
    var line = 0.0;
    for (var x = max(right, side - 1u) + 1u - side; x < min(side, right + 1u); x++) {
      let key = (y + side - 1u - down) * side + x + side - 1u - right;
      line += grad_bias[(head * tokens + y * side + x) * tokens + key];
    }
    sum += line;
  }
  grad_table[at] = sum;
}
