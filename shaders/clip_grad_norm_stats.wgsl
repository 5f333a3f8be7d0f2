// Per-workgroup sums of squares of one gradient, written behind those of the gradients before it.
// Launcher:  kernels/clip_grad_norm.rs   Reference: src/reference/gradient_clipping.rs
// Grid:      16 packs of four an invocation, folded past 65 535 groups.
// Numerics:  f32 sums of 64 values an invocation, then a tree of fixed order.
struct Params { len: u32, parts: u32, first: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> gradient: array<vec4f>;      // [len]
@group(0) @binding(1) var<storage, read_write> squares: array<f32>;   // [parts of all gradients]
//!include shared/flat.wgsl
//!include shared/sum1.wgsl
const PACKS_EACH = 16u;
const GROUP = 64u;
alias Sum = f32;

@compute @workgroup_size(64)
fn clip_grad_norm_stats(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let part = flat_group(group, groups);
  if part >= params.parts { return; }
  var i = part * PACKS_EACH * 64u + local;
  let end = min(i - local + PACKS_EACH * 64u, (params.len + 3u) / 4u);
  var sum = vec4f(0.0);
  for (; i < end; i += 64u) {
    // Elements past the length are unspecified.
    let inside = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.len);
    let value = select(vec4f(0.0), gradient[i], inside);
    sum += value * value;
  }
  let all = summed(local, (sum.x + sum.y) + (sum.z + sum.w));
  if local == 0u { squares[params.first + part] = all; }
}
