//! Transposed convolution as PyTorch's `conv_transpose2d` (no groups, no dilation, no output padding), and its gradients.
//!
//! Every input element adds its value times the kernel into the output:
//! `output[n, o, r·stride + kr − padding, c·stride + kc − padding] += input[n, i, r, c] · weight[i, o, kr, kc]`; then `bias[o]` is added.
//! The bias' gradient is `conv2d_grad_bias`.

use super::{Shape, at, count};

/// What a transposed convolution does besides its weights; the same for rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct ConvTranspose2dAttrs {
    /// Output elements from one input element to the next.
    pub stride: usize,
    /// Output elements that are cut off on each side.
    pub padding: usize,
}

/// The output's shape for an input of `shape` and weights `[c_in, c_out, kernel_h, kernel_w]`.
pub fn conv_transpose2d_output_shape(shape: Shape, weight_shape: Shape, attrs: &ConvTranspose2dAttrs) -> Shape {
    let size = |input: usize, kernel: usize| (input - 1) * attrs.stride + kernel - 2 * attrs.padding;
    [shape[0], weight_shape[1], size(shape[2], weight_shape[2]), size(shape[3], weight_shape[3])]
}

/// Calls `visit(output, input, weight)` with the positions of every product that the op sums.
fn for_each_product(shape: Shape, weight_shape: Shape, attrs: &ConvTranspose2dAttrs, mut visit: impl FnMut(usize, usize, usize)) {
    let output_shape = conv_transpose2d_output_shape(shape, weight_shape, attrs);
    for n in 0..shape[0] {
        for c_in in 0..shape[1] {
            for row in 0..shape[2] {
                for col in 0..shape[3] {
                    for c_out in 0..weight_shape[1] {
                        for kernel_row in 0..weight_shape[2] {
                            for kernel_col in 0..weight_shape[3] {
                                let padded_row = row * attrs.stride + kernel_row;
                                let padded_col = col * attrs.stride + kernel_col;
                                if padded_row < attrs.padding || padded_row >= attrs.padding + output_shape[2] {
                                    continue;
                                }
                                if padded_col < attrs.padding || padded_col >= attrs.padding + output_shape[3] {
                                    continue;
                                }
                                visit(
                                    at(output_shape, n, c_out, padded_row - attrs.padding, padded_col - attrs.padding),
                                    at(shape, n, c_in, row, col),
                                    at(weight_shape, c_in, c_out, kernel_row, kernel_col),
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The transposed convolution and its output's shape.
pub fn conv_transpose2d(
    input: &[f64],
    shape: Shape,
    weight: &[f64],
    weight_shape: Shape,
    bias: Option<&[f64]>,
    attrs: &ConvTranspose2dAttrs,
) -> (Vec<f64>, Shape) {
    let output_shape = conv_transpose2d_output_shape(shape, weight_shape, attrs);
    let mut output = vec![0.0; count(output_shape)];
    for_each_product(shape, weight_shape, attrs, |o, i, w| output[o] += input[i] * weight[w]);
    if let Some(bias) = bias {
        for (position, value) in output.iter_mut().enumerate() {
            *value += bias[position / (output_shape[2] * output_shape[3]) % output_shape[1]];
        }
    }
    (output, output_shape)
}

/// The gradient of the input of `shape`.
pub fn conv_transpose2d_grad_input(
    grad_output: &[f64],
    shape: Shape,
    weight: &[f64],
    weight_shape: Shape,
    attrs: &ConvTranspose2dAttrs,
) -> Vec<f64> {
    let mut grad_input = vec![0.0; count(shape)];
    for_each_product(shape, weight_shape, attrs, |o, i, w| grad_input[i] += grad_output[o] * weight[w]);
    grad_input
}

/// The gradient of the weights of `weight_shape`.
pub fn conv_transpose2d_grad_weight(
    grad_output: &[f64],
    input: &[f64],
    shape: Shape,
    weight_shape: Shape,
    attrs: &ConvTranspose2dAttrs,
) -> Vec<f64> {
    let mut grad_weight = vec![0.0; count(weight_shape)];
    for_each_product(shape, weight_shape, attrs, |o, i, w| grad_weight[w] += grad_output[o] * input[i]);
    grad_weight
}
