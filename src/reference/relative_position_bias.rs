//! What attention in a window adds to the score of a query and a key, by the key's place as seen from the query (Liu et al. 2021, arXiv
//! 2103.14030): bias[head, i, j] = table[row(i, j), head], where a window of side w has (2w − 1)² rows, one for every (Δrow, Δcol) in
//! −(w−1)…w−1, Δrow slowest.

/// The table's row of a query and a key, tokens of a window in raster order.
fn row(side: usize, i: usize, j: usize) -> usize {
    let (down, right) = (i / side + side - 1 - j / side, i % side + side - 1 - j % side);
    down * (2 * side - 1) + right
}

/// Table `[(2·side − 1)², heads]`; gives `[heads, side², side²]`.
pub fn relative_position_bias(table: &[f64], heads: usize, side: usize) -> Vec<f64> {
    let tokens = side * side;
    let of_head = |head: usize| (0..tokens * tokens).map(move |at| table[row(side, at / tokens, at % tokens) * heads + head]);
    (0..heads).flat_map(of_head).collect()
}

/// The gradient of the table: the sum over all queries and keys of a row.
pub fn relative_position_bias_grad_table(grad_bias: &[f64], heads: usize, side: usize) -> Vec<f64> {
    let tokens = side * side;
    let mut grad_table = vec![0.0; (2 * side - 1).pow(2) * heads];
    for (at, grad) in grad_bias.iter().enumerate() {
        let (head, i, j) = (at / (tokens * tokens), at / tokens % tokens, at % tokens);
        grad_table[row(side, i, j) * heads + head] += grad;
    }
    grad_table
}
