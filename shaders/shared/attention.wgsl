// What the kernels of attention share. The kernel that includes this declares QUADS, the quads of a row, and params with dim, tokens,
// heads and has_bias, and includes shared/operand.wgsl.

// Four neighbours of a row whose first is its word `first`, as operands; 0 past the row's end.
fn quad(values: vec4f, first: u32) -> vec4f {
  return select(vec4f(0.0), operand4(values), vec4u(first) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.dim));
}

// First word of the biases of a query, of whose heads images may have the same.
fn bias_row(head: u32, query: u32) -> u32 {
  return (select(head, head % params.heads, params.has_bias == 1u) * params.tokens + query) * params.tokens;
}
