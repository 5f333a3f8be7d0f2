//! Some tokens of every sample replaced by one row.

/// x `[n, tokens, c]`, `index` `[n, picked]`, `row` `[c]`; gives x with `row` in place of the tokens of `index`.
pub fn scatter_tokens(x: &[f64], [n, tokens, c]: [usize; 3], index: &[usize], row: &[f64]) -> Vec<f64> {
    let (picked, mut output) = (index.len() / n, x.to_vec());
    for (i, token) in index.iter().enumerate() {
        let first = (i / picked * tokens + token) * c;
        output[first..first + c].copy_from_slice(row);
    }
    output
}

/// The gradient of the row: the sum over the tokens that it replaced.
pub fn scatter_tokens_grad_row(grad_output: &[f64], [n, tokens, c]: [usize; 3], index: &[usize]) -> Vec<f64> {
    let (picked, mut grad_row) = (index.len() / n, vec![0.0; c]);
    for (i, token) in index.iter().enumerate() {
        (0..c).for_each(|at| grad_row[at] += grad_output[(i / picked * tokens + token) * c + at]);
    }
    grad_row
}
