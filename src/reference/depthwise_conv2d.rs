//! Depthwise convolution: PyTorch's `conv2d` with groups = channels in = channels out, and its gradients of input and weight.
//!
//! ```text
//! output[n, c, r, q] = bias[c] + Σ input[n, c, r·stride + kr·dilation − padding, q·stride + kq·dilation − padding] · weight[c, 0, kr, kq]
//! ```
//! where elements outside of the input are 0. Weights are `[c, 1, kernel_h, kernel_w]`.

use super::Shape;
use super::conv2d::{Conv2dAttrs, conv2d, conv2d_grad_input, conv2d_grad_weight};

/// What a depthwise convolution does besides its weights; the same for rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseAttrs {
    /// Input elements from one output element to the next.
    pub stride: usize,
    /// Zeros on each side.
    pub padding: usize,
    /// Input elements from one tap of the kernel to the next.
    pub dilation: usize,
}

impl DepthwiseAttrs {
    /// The convolution of `channels` groups that this is.
    pub fn grouped(&self, channels: usize) -> Conv2dAttrs {
        Conv2dAttrs { stride: self.stride, padding: self.padding, dilation: self.dilation, groups: channels }
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
    conv2d(input, shape, weight, weight_shape, bias, &attrs.grouped(shape[1]))
}

/// The gradient of the input of `shape`.
pub fn depthwise_conv2d_grad_input(
    grad_output: &[f64],
    shape: Shape,
    weight: &[f64],
    weight_shape: Shape,
    attrs: &DepthwiseAttrs,
) -> Vec<f64> {
    conv2d_grad_input(grad_output, shape, weight, weight_shape, &attrs.grouped(shape[1]))
}

/// The gradient of the weights of `weight_shape`.
pub fn depthwise_conv2d_grad_weight(
    grad_output: &[f64],
    input: &[f64],
    shape: Shape,
    weight_shape: Shape,
    attrs: &DepthwiseAttrs,
) -> Vec<f64> {
    conv2d_grad_weight(grad_output, input, shape, weight_shape, &attrs.grouped(shape[1]))
}
