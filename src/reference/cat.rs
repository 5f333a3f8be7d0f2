//! Concatenation of two tensors along the channels, and its gradient.

use super::Shape;

/// The channels of `a`, then those of `b`, image by image; and the output's shape.
pub fn cat(a: &[f64], a_shape: Shape, b: &[f64], b_shape: Shape) -> (Vec<f64>, Shape) {
    let [n, a_channels, h, w] = a_shape;
    let b_channels = b_shape[1];
    let mut output = Vec::new();
    for image in 0..n {
        output.extend_from_slice(&a[image * a_channels * h * w..(image + 1) * a_channels * h * w]);
        output.extend_from_slice(&b[image * b_channels * h * w..(image + 1) * b_channels * h * w]);
    }
    (output, [n, a_channels + b_channels, h, w])
}

/// The gradients of `a` and of `b`.
pub fn cat_grad_inputs(grad_output: &[f64], a_shape: Shape, b_shape: Shape) -> (Vec<f64>, Vec<f64>) {
    let a_values = a_shape[1] * a_shape[2] * a_shape[3];
    let b_values = b_shape[1] * b_shape[2] * b_shape[3];
    let (mut grad_a, mut grad_b) = (Vec::new(), Vec::new());
    for image in grad_output.chunks(a_values + b_values) {
        grad_a.extend_from_slice(&image[..a_values]);
        grad_b.extend_from_slice(&image[a_values..]);
    }
    (grad_a, grad_b)
}
