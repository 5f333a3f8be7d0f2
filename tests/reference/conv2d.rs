//! Convolution (cross-correlation) as PyTorch's `conv2d`, and its three gradients.
//!
//! output[n, o, r, c] = bias[o] + Σ input[n, i, r·stride + kr·dilation − padding, c·stride + kc·dilation − padding] · weight[o, i', kr, kc],
//! where i runs over the channels of o's group, i' is i counted inside it, and elements outside of the input are 0.

use super::{Shape, at, count};

/// What a convolution does besides its weights; the same for rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct Conv2dAttrs {
    pub stride: usize,
    pub padding: usize,
    pub dilation: usize,
    pub groups: usize,
}

impl Default for Conv2dAttrs {
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

/// The output's shape for an input of `shape` and weights `[c_out, c_in / groups, kernel_h, kernel_w]`.
pub fn conv2d_output_shape(shape: Shape, weight_shape: Shape, attrs: &Conv2dAttrs) -> Shape {
    let size = |input: usize, kernel: usize| (input + 2 * attrs.padding - attrs.dilation * (kernel - 1) - 1) / attrs.stride + 1;
    [shape[0], weight_shape[0], size(shape[2], weight_shape[2]), size(shape[3], weight_shape[3])]
}

/// Calls `visit(output, input, weight)` with the positions of every product that the convolution sums.
fn for_each_product(shape: Shape, weight_shape: Shape, attrs: &Conv2dAttrs, mut visit: impl FnMut(usize, usize, usize)) {
    let output_shape = conv2d_output_shape(shape, weight_shape, attrs);
    let (c_out_per_group, c_in_per_group) = (weight_shape[0] / attrs.groups, weight_shape[1]);
    for n in 0..output_shape[0] {
        for c_out in 0..output_shape[1] {
            let first_c_in = c_out / c_out_per_group * c_in_per_group;
            for row in 0..output_shape[2] {
                for col in 0..output_shape[3] {
                    for c in 0..c_in_per_group {
                        for kernel_row in 0..weight_shape[2] {
                            for kernel_col in 0..weight_shape[3] {
                                let padded_row = row * attrs.stride + kernel_row * attrs.dilation;
                                let padded_col = col * attrs.stride + kernel_col * attrs.dilation;
                                if padded_row < attrs.padding || padded_row >= attrs.padding + shape[2] {
                                    continue;
                                }
                                if padded_col < attrs.padding || padded_col >= attrs.padding + shape[3] {
                                    continue;
                                }
                                visit(
                                    at(output_shape, n, c_out, row, col),
                                    at(shape, n, first_c_in + c, padded_row - attrs.padding, padded_col - attrs.padding),
                                    at(weight_shape, c_out, c, kernel_row, kernel_col),
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The convolution and its output's shape.
pub fn conv2d(
    input: &[f64],
    shape: Shape,
    weight: &[f64],
    weight_shape: Shape,
    bias: Option<&[f64]>,
    attrs: &Conv2dAttrs,
) -> (Vec<f64>, Shape) {
    let output_shape = conv2d_output_shape(shape, weight_shape, attrs);
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
pub fn conv2d_grad_input(grad_output: &[f64], shape: Shape, weight: &[f64], weight_shape: Shape, attrs: &Conv2dAttrs) -> Vec<f64> {
    let mut grad_input = vec![0.0; count(shape)];
    for_each_product(shape, weight_shape, attrs, |o, i, w| grad_input[i] += grad_output[o] * weight[w]);
    grad_input
}

/// The gradient of the weights of `weight_shape`.
pub fn conv2d_grad_weight(grad_output: &[f64], input: &[f64], shape: Shape, weight_shape: Shape, attrs: &Conv2dAttrs) -> Vec<f64> {
    let mut grad_weight = vec![0.0; count(weight_shape)];
    for_each_product(shape, weight_shape, attrs, |o, i, w| grad_weight[w] += grad_output[o] * input[i]);
    grad_weight
}

/// The gradient of the bias: the sum of every channel of a gradient of `output_shape`.
pub fn conv2d_grad_bias(grad_output: &[f64], output_shape: Shape) -> Vec<f64> {
    let mut grad_bias = vec![0.0; output_shape[1]];
    for (position, value) in grad_output.iter().enumerate() {
        grad_bias[position / (output_shape[2] * output_shape[3]) % output_shape[1]] += value;
    }
    grad_bias
}
