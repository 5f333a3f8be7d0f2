// Attention of every head of an image: y = softmax(scale · q kᵀ + bias + mask) v. The scores are never stored: a query walks over tiles of
// keys with the largest score and the sum of exponentials so far, and weakens what it has whenever a larger score comes.
// Launcher:  kernels/scaled_dot_product_attention.rs   Reference: src/reference/scaled_dot_product_attention.rs
// Grid:      64 queries of a head a workgroup, folded past 65 535 groups.
// Numerics:  f32; keys in order.
const QUADS = 4u;
const KEYS = 16u;
const LEAST: f32 = -3.4e38;
const HALF = 0u; // see shared/operand.wgsl
struct Params { images: u32, heads: u32, tokens: u32, dim: u32, has_bias: u32, scale: f32, first: u32, side: u32, shift: u32, down: u32, across: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> q: array<f32>;             // [images, heads, tokens, dim]
@group(0) @binding(1) var<storage, read> k: array<f32>;             // [images, heads, tokens, dim]
@group(0) @binding(2) var<storage, read> v: array<f32>;             // [images, heads, tokens, dim]
@group(0) @binding(3) var<storage, read> bias: array<f32>;          // [heads, tokens, tokens] where has_bias is 1, one an image where 2
@group(0) @binding(4) var<storage, read_write> output: array<f32>;  // [images, heads, tokens, dim]
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>; // [images, heads, tokens] of (largest score, 1 / Σ exp(score − it))
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/attention.wgsl
//!include shared/attention_mask.wgsl

var<workgroup> keys: array<vec4f, KEYS * QUADS>;
var<workgroup> values: array<vec4f, KEYS * QUADS>;
var<workgroup> sides: array<u32, KEYS>;

@compute @workgroup_size(64)
fn scaled_dot_product_attention(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let blocks = (params.tokens + 63u) / 64u;
  let flat = flat_group(group, groups);
  let head = flat / blocks;
  if head >= params.images * params.heads { return; }
  // Past the last query the last one is repeated: all invocations must reach the barriers.
  let query = flat % blocks * 64u + local;
  let row = head * params.tokens + min(query, params.tokens - 1u);
  let biases = bias_row(head, min(query, params.tokens - 1u));
  let side = side_of(head, min(query, params.tokens - 1u));
  var own: array<vec4f, QUADS>;
  for (var c = 0u; c < QUADS; c++) {
    let at = row * params.dim + 4u * c;
    own[c] = params.scale * quad(vec4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]), 4u * c);
  }

  var most = LEAST;
  var sum = 0.0;
  var acc: array<vec4f, QUADS>;
  for (var first = 0u; first < params.tokens; first += KEYS) {
    workgroupBarrier();
    for (var i = local; i < KEYS * QUADS; i += 64u) {
      let c = i % QUADS;
      let at = (head * params.tokens + min(first + i / QUADS, params.tokens - 1u)) * params.dim + 4u * c;
      keys[i] = quad(vec4f(k[at], k[at + 1u], k[at + 2u], k[at + 3u]), 4u * c);
      values[i] = quad(vec4f(v[at], v[at + 1u], v[at + 2u], v[at + 3u]), 4u * c);
    }
    if local < KEYS { sides[local] = side_of(head, min(first + local, params.tokens - 1u)); }
    workgroupBarrier();
    // Four keys at a time. Past the last key the last one stands in, with a score that leaves it no share.
    for (var j = 0u; j < min(KEYS, params.tokens - first); j += 4u) {
      var scores = vec4f(0.0);
      for (var c = 0u; c < QUADS; c++) {
        let at = j * QUADS + c;
        let x = own[c];
        scores += vec4f(dot(x, keys[at]), dot(x, keys[at + QUADS]), dot(x, keys[at + 2u * QUADS]), dot(x, keys[at + 3u * QUADS]));
      }
      let key = vec4u(first + j) + vec4u(0u, 1u, 2u, 3u);
      if params.has_bias != 0u {
        let at = vec4u(biases) + min(key, vec4u(params.tokens - 1u));
        scores += vec4f(bias[at.x], bias[at.y], bias[at.z], bias[at.w]);
      }
      if params.shift != 0u {
        let other = vec4u(sides[j], sides[j + 1u], sides[j + 2u], sides[j + 3u]) != vec4u(side);
        scores += select(vec4f(0.0), vec4f(APART), other);
      }
      scores = select(vec4f(LEAST), scores, key < vec4u(params.tokens));
      let rise = max(max(max(scores.x, scores.y), max(scores.z, scores.w)), most);
      let fall = exp(most - rise);
      let share = exp(scores - rise);
      sum = sum * fall + ((share.x + share.y) + (share.z + share.w));
      for (var c = 0u; c < QUADS; c++) {
        let at = j * QUADS + c;
        let low = share.x * values[at] + share.y * values[at + QUADS];
        acc[c] = acc[c] * fall + (low + share.z * values[at + 2u * QUADS] + share.w * values[at + 3u * QUADS]);
      }
      most = rise;
    }
  }
  if query >= params.tokens { return; }
  for (var c = 0u; c < QUADS; c++) {
    let y = acc[c] / sum;
    for (var e = 0u; e < 4u; e++) {
      if 4u * c + e < params.dim { output[row * params.dim + 4u * c + e] = y[e]; }
    }
  }
  stats[row] = vec2f(most, 1.0 / sum);
}
