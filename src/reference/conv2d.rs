//! Convolution (cross-correlation) as PyTorch's `conv2d`, and its three gradients.
//!
//! ```text
//! output[n, o, r, c] = bias[o] + Σ input[n, i, r·stride + kr·dilation − padding, c·stride + kc·dilation − padding] · weight[o, i', kr, kc]
//! ```
//! where i runs over the channels of o's group, i' is i counted inside it, and elements outside of the input are 0.
//!
//! Each has a form that computes one element, for checks of results that are too large to be computed whole.

use super::{Shape, at, count, place};

/// What a convolution does besides its weights; the same for rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct Conv2dAttrs {
    /// Input elements from one output element to the next.
    pub stride: usize,
    /// Zeros on each side.
    pub padding: usize,
    /// Input elements from one tap of the kernel to the next.
    pub dilation: usize,
    /// Parts of the channels that see nothing of each other.
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

/// Input index along one axis that tap `tap` of output index `output` reads, if it lies inside.
fn source(output: usize, tap: usize, extent: usize, attrs: &Conv2dAttrs) -> Option<usize> {
    (output * attrs.stride + tap * attrs.dilation).checked_sub(attrs.padding).filter(|&input| input < extent)
}

/// Output index along one axis that reads input index `input` by tap `tap`, if there is one.
fn target(input: usize, tap: usize, extent: usize, attrs: &Conv2dAttrs) -> Option<usize> {
    let padded = (input + attrs.padding).checked_sub(tap * attrs.dilation)?;
    Some(padded / attrs.stride).filter(|&output| padded.is_multiple_of(attrs.stride) && output < extent)
}

/// One element of the convolution, by its position in the output and without bias.
pub fn conv2d_at(input: &[f64], shape: Shape, weight: &[f64], weight_shape: Shape, attrs: &Conv2dAttrs, position: usize) -> f64 {
    let [c_out, c_in_per_group, kernel_h, kernel_w] = weight_shape;
    let [n, o, row, col] = place(conv2d_output_shape(shape, weight_shape, attrs), position);
    let first_c_in = o / (c_out / attrs.groups) * c_in_per_group;
    let mut sum = 0.0;
    for c in 0..c_in_per_group {
        for kernel_row in 0..kernel_h {
            let Some(r) = source(row, kernel_row, shape[2], attrs) else { continue };
            for kernel_col in 0..kernel_w {
                let Some(q) = source(col, kernel_col, shape[3], attrs) else { continue };
                sum += input[at(shape, n, first_c_in + c, r, q)] * weight[at(weight_shape, o, c, kernel_row, kernel_col)];
            }
        }
    }
    sum
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
    let offset = |position: usize| bias.map_or(0.0, |bias| bias[place(output_shape, position)[1]]);
    let element = |position: usize| conv2d_at(input, shape, weight, weight_shape, attrs, position) + offset(position);
    ((0..count(output_shape)).map(element).collect(), output_shape)
}

/// One element of the gradient of the input of `shape`, by its position there: all outputs that read it.
pub fn conv2d_grad_input_at(
    grad_output: &[f64],
    shape: Shape,
    weight: &[f64],
    weight_shape: Shape,
    attrs: &Conv2dAttrs,
    position: usize,
) -> f64 {
    let [c_out, c_in_per_group, kernel_h, kernel_w] = weight_shape;
    let output_shape = conv2d_output_shape(shape, weight_shape, attrs);
    let [n, c, row, col] = place(shape, position);
    let c_out_per_group = c_out / attrs.groups;
    let first_c_out = c / c_in_per_group * c_out_per_group;
    let mut sum = 0.0;
    for o in first_c_out..first_c_out + c_out_per_group {
        for kernel_row in 0..kernel_h {
            let Some(r) = target(row, kernel_row, output_shape[2], attrs) else { continue };
            for kernel_col in 0..kernel_w {
                let Some(q) = target(col, kernel_col, output_shape[3], attrs) else { continue };
                sum += grad_output[at(output_shape, n, o, r, q)] * weight[at(weight_shape, o, c % c_in_per_group, kernel_row, kernel_col)];
            }
        }
    }
    sum
}

/// The gradient of the input of `shape`.
pub fn conv2d_grad_input(grad_output: &[f64], shape: Shape, weight: &[f64], weight_shape: Shape, attrs: &Conv2dAttrs) -> Vec<f64> {
    let element = |position| conv2d_grad_input_at(grad_output, shape, weight, weight_shape, attrs, position);
    (0..count(shape)).map(element).collect()
}

/// One element of the gradient of the weights of `weight_shape`, by its position there: all products of that weight.
pub fn conv2d_grad_weight_at(
    grad_output: &[f64],
    input: &[f64],
    shape: Shape,
    weight_shape: Shape,
    attrs: &Conv2dAttrs,
    position: usize,
) -> f64 {
    let output_shape = conv2d_output_shape(shape, weight_shape, attrs);
    let [o, c, kernel_row, kernel_col] = place(weight_shape, position);
    let c_in = o / (weight_shape[0] / attrs.groups) * weight_shape[1] + c;
    let mut sum = 0.0;
    for n in 0..shape[0] {
        for row in 0..output_shape[2] {
            let Some(r) = source(row, kernel_row, shape[2], attrs) else { continue };
            for col in 0..output_shape[3] {
                let Some(q) = source(col, kernel_col, shape[3], attrs) else { continue };
                sum += grad_output[at(output_shape, n, o, row, col)] * input[at(shape, n, c_in, r, q)];
            }
        }
    }
    sum
}

/// The gradient of the weights of `weight_shape`.
pub fn conv2d_grad_weight(grad_output: &[f64], input: &[f64], shape: Shape, weight_shape: Shape, attrs: &Conv2dAttrs) -> Vec<f64> {
    let element = |position| conv2d_grad_weight_at(grad_output, input, shape, weight_shape, attrs, position);
    (0..count(weight_shape)).map(element).collect()
}

/// The gradient of the bias: the sum of every channel of a gradient of `output_shape`.
pub fn conv2d_grad_bias(grad_output: &[f64], output_shape: Shape) -> Vec<f64> {
    let mut grad_bias = vec![0.0; output_shape[1]];
    for (position, value) in grad_output.iter().enumerate() {
        grad_bias[position / (output_shape[2] * output_shape[3]) % output_shape[1]] += value;
    }
    grad_bias
}
