// Gradients of attention by queries, keys and values. With p = exp(score − largest) / sum from the forward pass's two numbers a query and
// ds = p · (∂L/∂y·v − ∂L/∂y·y): ∂L/∂q = scale·Σ over the keys of ds·k, ∂L/∂k = scale·Σ over the queries of ds·q, ∂L/∂v = Σ over the queries
// of p·∂L/∂y.
// Launcher:  kernels/scaled_dot_product_attention.rs   Reference: src/reference/scaled_dot_product_attention.rs
// Grid:      64 queries of a head a workgroup, then as many of 64 keys of a head, folded past 65 535 groups.
// Numerics:  f32; keys and queries in order.
const QUADS = 4u;
const TILE = 16u;
const HALF = 0u; // see shared/operand.wgsl
struct Params { images: u32, heads: u32, tokens: u32, dim: u32, has_bias: u32, scale: f32, first: u32, side: u32, shift: u32, down: u32, across: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> q: array<f32>;            // [images, heads, tokens, dim]
@group(0) @binding(1) var<storage, read> k: array<f32>;            // [images, heads, tokens, dim]
@group(0) @binding(2) var<storage, read> v: array<f32>;            // [images, heads, tokens, dim]
@group(0) @binding(3) var<storage, read> bias: array<f32>;         // [heads, tokens, tokens] where has_bias is 1, one an image where 2
@group(0) @binding(4) var<storage, read> output: array<f32>;       // [images, heads, tokens, dim]
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;      // [images, heads, tokens] of (largest score, 1 / sum)
@group(0) @binding(6) var<storage, read> grad_output: array<f32>;  // [images, heads, tokens, dim]
@group(0) @binding(7) var<storage, read_write> grads: array<f32>;  // [3, images, heads, tokens, dim], of q, k and v
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/attention.wgsl
//!include shared/attention_mask.wgsl

// A tile of keys and values, or of queries and gradients with what belongs to each query.
var<workgroup> first_of: array<vec4f, TILE * QUADS>;
var<workgroup> second_of: array<vec4f, TILE * QUADS>;
var<workgroup> query_of: array<vec3f, TILE>;
// Of the keys or queries of a tile.
var<workgroup> sides: array<u32, TILE>;

alias Row = array<vec4f, QUADS>;

fn q_quad(row: u32, c: u32) -> vec4f {
  let at = row * params.dim + 4u * c;
  return quad(vec4f(q[at], q[at + 1u], q[at + 2u], q[at + 3u]), 4u * c);
}
fn k_quad(row: u32, c: u32) -> vec4f {
  let at = row * params.dim + 4u * c;
  return quad(vec4f(k[at], k[at + 1u], k[at + 2u], k[at + 3u]), 4u * c);
}
fn v_quad(row: u32, c: u32) -> vec4f {
  let at = row * params.dim + 4u * c;
  return quad(vec4f(v[at], v[at + 1u], v[at + 2u], v[at + 3u]), 4u * c);
}
fn dy_quad(row: u32, c: u32) -> vec4f {
  let at = row * params.dim + 4u * c;
  return quad(vec4f(grad_output[at], grad_output[at + 1u], grad_output[at + 2u], grad_output[at + 3u]), 4u * c);
}

// Largest score, 1 / sum and ∂L/∂y·y of a query.
fn of_query(row: u32) -> vec3f {
  var product = 0.0;
  for (var i = row * params.dim; i < (row + 1u) * params.dim; i++) { product += operand(grad_output[i]) * output[i]; }
  return vec3f(stats[row], product);
}

fn store(part: u32, row: u32, values: Row) {
  let first = (part * params.images * params.heads * params.tokens + row) * params.dim;
  for (var c = 0u; c < QUADS; c++) {
    for (var e = 0u; e < 4u; e++) {
      if 4u * c + e < params.dim { grads[first + 4u * c + e] = values[c][e]; }
    }
  }
}

@compute @workgroup_size(64)
fn scaled_dot_product_attention_grad(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let blocks = (params.tokens + 63u) / 64u;
  let flat = flat_group(group, groups);
  let head = flat / blocks % (params.images * params.heads);
  let side = flat / blocks / (params.images * params.heads);
  if side > 1u { return; }
  // Past the last row the last one is repeated: all invocations must reach the barriers.
  let token = flat % blocks * 64u + local;
  let place = min(token, params.tokens - 1u);
  let row = head * params.tokens + place;
  let side_of_map = side_of(head, place);

  if side == 0u {
    let own = of_query(row);
    let biases = bias_row(head, place);
    var query: Row;
    var dy: Row;
    for (var c = 0u; c < QUADS; c++) { query[c] = params.scale * q_quad(row, c); dy[c] = dy_quad(row, c); }
    var grad: Row;
    for (var first = 0u; first < params.tokens; first += TILE) {
      workgroupBarrier();
      for (var i = local; i < TILE * QUADS; i += 64u) {
        let other = head * params.tokens + min(first + i / QUADS, params.tokens - 1u);
        first_of[i] = k_quad(other, i % QUADS);
        second_of[i] = v_quad(other, i % QUADS);
      }
      if local < TILE { sides[local] = side_of(head, min(first + local, params.tokens - 1u)); }
      workgroupBarrier();
      for (var j = 0u; j < min(TILE, params.tokens - first); j++) {
        var score = 0.0;
        var along = 0.0;
        for (var c = 0u; c < QUADS; c++) {
          score += dot(query[c], first_of[j * QUADS + c]);
          along += dot(dy[c], second_of[j * QUADS + c]);
        }
        if params.has_bias != 0u { score += bias[biases + first + j]; }
        if sides[j] != side_of_map { score += APART; }
        let ds = exp(score - own.x) * own.y * (along - own.z) * params.scale;
        for (var c = 0u; c < QUADS; c++) { grad[c] += ds * first_of[j * QUADS + c]; }
      }
    }
    if token < params.tokens { store(0u, row, grad); }
    return;
  }

  var key: Row;
  var value: Row;
  for (var c = 0u; c < QUADS; c++) { key[c] = params.scale * k_quad(row, c); value[c] = v_quad(row, c); }
  var grad_key: Row;
  var grad_value: Row;
  for (var first = 0u; first < params.tokens; first += TILE) {
    workgroupBarrier();
    for (var i = local; i < TILE * QUADS; i += 64u) {
      let other = head * params.tokens + min(first + i / QUADS, params.tokens - 1u);
      first_of[i] = q_quad(other, i % QUADS);
      second_of[i] = dy_quad(other, i % QUADS);
    }
    if local < TILE {
      query_of[local] = of_query(head * params.tokens + min(first + local, params.tokens - 1u));
      sides[local] = side_of(head, min(first + local, params.tokens - 1u));
    }
    workgroupBarrier();
    for (var j = 0u; j < min(TILE, params.tokens - first); j++) {
      var score = 0.0;
      var along = 0.0;
      for (var c = 0u; c < QUADS; c++) {
        score += dot(key[c], first_of[j * QUADS + c]);
        along += dot(value[c], second_of[j * QUADS + c]);
      }
      if params.has_bias != 0u { score += bias[bias_row(head, first + j) + place]; }
      if sides[j] != side_of_map { score += APART; }
      let share = exp(score - query_of[j].x) * query_of[j].y;
      let ds = share * (along - query_of[j].z) * params.scale;
      for (var c = 0u; c < QUADS; c++) {
        grad_key[c] += ds * first_of[j * QUADS + c];
        grad_value[c] += share * second_of[j * QUADS + c];
      }
    }
  }
  if token < params.tokens {
    store(1u, row, grad_key);
    store(2u, row, grad_value);
  }
}
