//! 2-d convolution (cross-correlation), as `torch.nn.functional.conv2d`.
//!
//! y[n,o] = b[o] + Σ_i w[o,i] ⋆ x[n,i]; ∂L/∂x by the transposed sums, ∂L/∂w by correlating x with ∂L/∂y, ∂L/∂b by summing ∂L/∂y.
//! Shaders: `shaders/conv2d*.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::conv2d::{self as kernels, Conv2dAttrs, Conv2dDims};
use crate::tensor::Tensor;

/// y = x ∗ w + b.
///
/// # Shapes
/// input `[n, c_in, h_in, w_in]`, weight `[c_out, c_in / groups, kernel_h, kernel_w]`, bias `[c_out]`, output `[n, c_out, h_out, w_out]`
/// with h_out = ⌊(h_in + 2·padding − dilation·(kernel_h − 1) − 1) / stride⌋ + 1.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn conv2d(tape: &Tape, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, attrs: &Conv2dAttrs) -> Result<Tensor> {
    let dims = Conv2dDims::forward(input, weight, attrs)?;
    let output = kernels::conv2d(input, weight, bias, attrs, 0)?;
    let inputs: Vec<_> = [Some(input), Some(weight), bias].into_iter().flatten().collect();
    let (x, w, b) = (input.clone(), weight.clone(), bias.cloned());
    tape.record(&inputs, &output, move |grad_output, gradients| {
        if let Some(b) = b.filter(|b| gradients.wants(b)) {
            gradients.accumulate(&b, kernels::conv2d_grad_bias(grad_output)?)?;
        }
        if gradients.wants(&w) {
            gradients.accumulate(&w, kernels::conv2d_grad_weight(&dims, &x, grad_output)?)?;
        }
        if gradients.wants(&x) {
            gradients.accumulate(&x, kernels::conv2d_grad_input(&dims, grad_output, &w, None)?)?;
        }
        Ok(())
    });
    Ok(output)
}
