// Gradient of attention by the bias of its scores: ∂L/∂bias = p · (∂L/∂y·v − ∂L/∂y·y), summed over the images where they share the
// bias, with p = exp(score − largest) / sum from the forward pass's two numbers a query.
// Launcher:  kernels/scaled_dot_product_attention.rs   Reference: src/reference/scaled_dot_product_attention.rs
// Grid:      one invocation a score of a head, 64 a workgroup, keys side by side, folded past 65 535 groups.
// Numerics:  f32; images in order.
const HALF = 0u; // see shared/operand.wgsl
struct Params { images: u32, heads: u32, tokens: u32, dim: u32, has_bias: u32, scale: f32, first: u32, side: u32, shift: u32, down: u32, across: u32 }
var<immediate> params: Params;
@group(0) @binding(0) var<storage, read> q: array<f32>;               // [images, heads, tokens, dim]
@group(0) @binding(1) var<storage, read> k: array<f32>;               // [images, heads, tokens, dim]
@group(0) @binding(2) var<storage, read> v: array<f32>;               // [images, heads, tokens, dim]
@group(0) @binding(3) var<storage, read> bias: array<f32>;            // [heads, tokens, tokens] where has_bias is 1, one an image where 2
@group(0) @binding(4) var<storage, read> output: array<f32>;          // [images, heads, tokens, dim]
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;         // [images, heads, tokens] of (largest score, 1 / sum)
@group(0) @binding(6) var<storage, read> grad_output: array<f32>;     // [images, heads, tokens, dim]
@group(0) @binding(7) var<storage, read_write> grad_bias: array<f32>; // the same as bias
//!include shared/flat.wgsl
//!include shared/operand.wgsl
//!include shared/attention_mask.wgsl

@compute @workgroup_size(64)
fn scaled_dot_product_attention_grad_bias(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let flat = flat_group(group, groups) * 64u + local;
  let area = params.tokens * params.tokens;
  let own = flat / area;
  let shared_heads = params.has_bias == 1u;
  if own >= params.heads * select(params.images, 1u, shared_heads) { return; }
  let query = flat % area / params.tokens;
  let key = flat % params.tokens;
  var sum = 0.0;
  for (var head = own; head < params.images * params.heads; head += select(params.images * params.heads, params.heads, shared_heads)) {
    let at_query = (head * params.tokens + query) * params.dim;
    let at_key = (head * params.tokens + key) * params.dim;
    var score = 0.0;
    var along = 0.0;
    for (var d = 0u; d < params.dim; d++) {
      score += operand(q[at_query + d]) * operand(k[at_key + d]);
      along += operand(grad_output[at_query + d]) * (operand(v[at_key + d]) - output[at_query + d]);
    }
    let mask = select(0.0, APART, side_of(head, query) != side_of(head, key));
    let of_query = stats[head * params.tokens + query];
    sum += exp(score * params.scale + bias[flat] + mask - of_query.x) * of_query.y * along;
  }
  grad_bias[flat] = sum;
}
