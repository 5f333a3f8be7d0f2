//! Depthwise convolution (PyTorch's `conv2d` with groups = channels in = channels out), and its gradients of input and weight.
//!
//! output[n, c, r, q] = bias[c] + Σ input[n, c, r·stride + kr·dilation − padding, q·stride + kq·dilation − padding] · weight[c, 0, kr, kq],
//! where elements outside of the input are 0.

use super::{Shape, at, count};

/// What a depthwise convolution does besides its weights; the same for rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseAttrs {
    pub stride: usize,
    pub padding: usize,
    pub dilation: usize,
}

/// The output's shape for an input of `shape` and weights `[c, 1, kernel_h, kernel_w]`.
pub fn depthwise_conv2d_output_shape(shape: Shape, weight_shape: Shape, attrs: &DepthwiseAttrs) -> Shape {
    let size = |input: usize, kernel: usize| (input + 2 * attrs.padding - attrs.dilation * (kernel - 1) - 1) / attrs.stride + 1;
    [shape[0], shape[1], size(shape[2], weight_shape[2]), size(shape[3], weight_shape[3])]
}

/// Calls `visit(output, input, weight)` with the positions of every product that the convolution sums.
fn for_each_product(shape: Shape, weight_shape: Shape, attrs: &DepthwiseAttrs, mut visit: impl FnMut(usize, usize, usize)) {
    let output_shape = depthwise_conv2d_output_shape(shape, weight_shape, attrs);
    let source =
        |o: usize, k: usize, extent: usize| (o * attrs.stride + k * attrs.dilation).checked_sub(attrs.padding).filter(|i| *i < extent);
    for n in 0..output_shape[0] {
        for c in 0..output_shape[1] {
            for row in 0..output_shape[2] {
                for col in 0..output_shape[3] {
                    for kernel_row in 0..weight_shape[2] {
                        for kernel_col in 0..weight_shape[3] {
                            let Some(r) = source(row, kernel_row, shape[2]) else { continue };
                            let Some(q) = source(col, kernel_col, shape[3]) else { continue };
                            visit(at(output_shape, n, c, row, col), at(shape, n, c, r, q), at(weight_shape, c, 0, kernel_row, kernel_col));
                        }
                    }
                }
            }
        }
    }
}

/// The convolution and its output's shape.
pub fn depthwise_conv2d(
    input: &[f64],
    shape: Shape,
    weight: &[f64],
    weight_shape: Shape,
    bias: Option<&[f64]>,
    attrs: &DepthwiseAttrs,
) -> (Vec<f64>, Shape) {
    let output_shape = depthwise_conv2d_output_shape(shape, weight_shape, attrs);
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
pub fn depthwise_conv2d_grad_input(
    grad_output: &[f64],
    shape: Shape,
    weight: &[f64],
    weight_shape: Shape,
    attrs: &DepthwiseAttrs,
) -> Vec<f64> {
    let mut grad_input = vec![0.0; count(shape)];
    for_each_product(shape, weight_shape, attrs, |o, i, w| grad_input[i] += grad_output[o] * weight[w]);
    grad_input
}

/// The gradient of the weights of `weight_shape`.
pub fn depthwise_conv2d_grad_weight(
    grad_output: &[f64],
    input: &[f64],
    shape: Shape,
    weight_shape: Shape,
    attrs: &DepthwiseAttrs,
) -> Vec<f64> {
    let mut grad_weight = vec![0.0; count(weight_shape)];
    for_each_product(shape, weight_shape, attrs, |o, i, w| grad_weight[w] += grad_output[o] * input[i]);
    grad_weight
}
