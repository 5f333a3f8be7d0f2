//! Some entries of the first axis, `each` elements long.

/// Entries `start` to `start + length`.
pub fn narrow(x: &[f64], start: usize, length: usize, each: usize) -> Vec<f64> {
    x[start * each..(start + length) * each].to_vec()
}

/// Gradient of an input of `len` elements: that of the entries in their places, 0 elsewhere.
pub fn narrow_grad_input(grad: &[f64], start: usize, each: usize, len: usize) -> Vec<f64> {
    let mut grad_input = vec![0.0; len];
    grad_input[start * each..][..grad.len()].copy_from_slice(grad);
    grad_input
}
