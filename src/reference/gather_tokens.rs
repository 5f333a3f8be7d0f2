//! Some tokens of every sample, in the order of their list. As `torch.take_along_dim` over the second axis.

/// x `[n, tokens, c]`, `index` `[n, picked]`; gives `[n, picked, c]`.
pub fn gather_tokens(x: &[f64], [n, tokens, c]: [usize; 3], index: &[usize]) -> Vec<f64> {
    let picked = index.len() / n;
    let row = |(i, token): (usize, &usize)| {
        let first = (i / picked * tokens + token) * c;
        x[first..first + c].to_vec()
    };
    index.iter().enumerate().flat_map(row).collect()
}

/// The gradient of the input: the gradients of a token's copies, summed.
pub fn gather_tokens_grad_input(grad_output: &[f64], [n, tokens, c]: [usize; 3], index: &[usize]) -> Vec<f64> {
    let (picked, mut grad_input) = (index.len() / n, vec![0.0; n * tokens * c]);
    for (i, token) in index.iter().enumerate() {
        (0..c).for_each(|at| grad_input[(i / picked * tokens + token) * c + at] += grad_output[i * c + at]);
    }
    grad_input
}
