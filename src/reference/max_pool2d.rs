//! Maximum pooling as PyTorch's `max_pool2d` (floor mode, padding of −∞), and its gradient.

use super::{Shape, at, count};

/// Window, step and border; the same for rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct MaxPool2dAttrs {
    /// The window's side.
    pub kernel: usize,
    /// Input elements from one window to the next.
    pub stride: usize,
    /// Elements of −∞ on each side, at most half the kernel.
    pub padding: usize,
}

/// The output's shape for an input of `shape`.
pub fn max_pool2d_output_shape(shape: Shape, attrs: &MaxPool2dAttrs) -> Shape {
    let size = |input: usize| (input + 2 * attrs.padding - attrs.kernel) / attrs.stride + 1;
    [shape[0], shape[1], size(shape[2]), size(shape[3])]
}

/// The input position of every output's maximum: the first one in scan order where several are equal; NaN counts as the largest.
fn winners(input: &[f64], shape: Shape, attrs: &MaxPool2dAttrs) -> Vec<usize> {
    let output_shape = max_pool2d_output_shape(shape, attrs);
    let mut winners = Vec::with_capacity(count(output_shape));
    for n in 0..output_shape[0] {
        for c in 0..output_shape[1] {
            for row in 0..output_shape[2] {
                for col in 0..output_shape[3] {
                    let mut winner: Option<usize> = None;
                    for padded_row in row * attrs.stride..row * attrs.stride + attrs.kernel {
                        for padded_col in col * attrs.stride..col * attrs.stride + attrs.kernel {
                            let inside_rows = padded_row >= attrs.padding && padded_row < attrs.padding + shape[2];
                            let inside_cols = padded_col >= attrs.padding && padded_col < attrs.padding + shape[3];
                            if !(inside_rows && inside_cols) {
                                continue;
                            }
                            let position = at(shape, n, c, padded_row - attrs.padding, padded_col - attrs.padding);
                            let value = input[position];
                            if winner.is_none_or(|best| value > input[best] || value.is_nan()) {
                                winner = Some(position);
                            }
                        }
                    }
                    winners.push(winner.expect("a window always holds an element, as padding is at most half the kernel"));
                }
            }
        }
    }
    winners
}

/// The maximum of every window, and the output's shape.
pub fn max_pool2d(input: &[f64], shape: Shape, attrs: &MaxPool2dAttrs) -> (Vec<f64>, Shape) {
    let output = winners(input, shape, attrs).iter().map(|&position| input[position]).collect();
    (output, max_pool2d_output_shape(shape, attrs))
}

/// The gradient of the input: every output's gradient goes to the element that it took.
pub fn max_pool2d_grad_input(grad_output: &[f64], input: &[f64], shape: Shape, attrs: &MaxPool2dAttrs) -> Vec<f64> {
    let mut grad_input = vec![0.0; count(shape)];
    for (output, &position) in winners(input, shape, attrs).iter().enumerate() {
        grad_input[position] += grad_output[output];
    }
    grad_input
}
