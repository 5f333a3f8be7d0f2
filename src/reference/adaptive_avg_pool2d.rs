//! The mean of every channel's plane, as PyTorch's `adaptive_avg_pool2d` with output size 1, and its gradient.

use super::{Shape, count};

/// Means of shape `[n, c, 1, 1]`.
pub fn adaptive_avg_pool2d(input: &[f64], shape: Shape) -> (Vec<f64>, Shape) {
    let plane = shape[2] * shape[3];
    let means = input.chunks(plane).map(|values| values.iter().sum::<f64>() / plane as f64).collect();
    (means, [shape[0], shape[1], 1, 1])
}

/// The gradient of the input of `shape`: every element gets its plane's share.
pub fn adaptive_avg_pool2d_grad_input(grad_output: &[f64], shape: Shape) -> Vec<f64> {
    let plane = shape[2] * shape[3];
    (0..count(shape)).map(|position| grad_output[position / plane] / plane as f64).collect()
}
