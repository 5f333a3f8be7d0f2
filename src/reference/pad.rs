//! Padding with zeros, as PyTorch's `pad` in constant mode, and its gradient.

use super::{Shape, at, count};

/// Columns and rows of zeros that are added on each side.
#[derive(Clone, Copy, Debug)]
pub struct PadAttrs {
    /// Columns before the first.
    pub left: usize,
    /// Columns behind the last.
    pub right: usize,
    /// Rows before the first.
    pub top: usize,
    /// Rows behind the last.
    pub bottom: usize,
}

/// The output's shape for an input of `shape`.
pub fn pad_output_shape(shape: Shape, attrs: &PadAttrs) -> Shape {
    [shape[0], shape[1], attrs.top + shape[2] + attrs.bottom, attrs.left + shape[3] + attrs.right]
}

/// Calls `visit(output, input)` for every input element.
fn for_each_element(shape: Shape, attrs: &PadAttrs, mut visit: impl FnMut(usize, usize)) {
    let output_shape = pad_output_shape(shape, attrs);
    for n in 0..shape[0] {
        for c in 0..shape[1] {
            for row in 0..shape[2] {
                for col in 0..shape[3] {
                    visit(at(output_shape, n, c, attrs.top + row, attrs.left + col), at(shape, n, c, row, col));
                }
            }
        }
    }
}

/// The padded tensor and its shape.
pub fn pad(input: &[f64], shape: Shape, attrs: &PadAttrs) -> (Vec<f64>, Shape) {
    let output_shape = pad_output_shape(shape, attrs);
    let mut output = vec![0.0; count(output_shape)];
    for_each_element(shape, attrs, |o, i| output[o] = input[i]);
    (output, output_shape)
}

/// The gradient of the input of `shape`: the inner part of the upstream one.
pub fn pad_grad_input(grad_output: &[f64], shape: Shape, attrs: &PadAttrs) -> Vec<f64> {
    let mut grad_input = vec![0.0; count(shape)];
    for_each_element(shape, attrs, |o, i| grad_input[i] = grad_output[o]);
    grad_input
}
