//! Transposed 2-d convolution, as `torch.nn.functional.conv_transpose2d`: the adjoint of conv2d, so every pass is one of conv2d's.
//!
//! y = conv2d_grad_input(x, w) + b; ∂L/∂x = conv2d(∂L/∂y, w); ∂L/∂w = conv2d_grad_weight(∂L/∂y, x); ∂L/∂b sums ∂L/∂y.
//! Shaders: `shaders/conv2d*.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::conv2d::{self as kernels, Conv2dDims};
use crate::kernels::epilogue::Epilogue;
use crate::tensor::Tensor;

/// y = the transposed convolution of x with w, plus b.
///
/// # Shapes
/// input `[n, c_in, h, w]`, weight `[c_in, c_out, kernel_h, kernel_w]`, bias `[c_out]`, output `[n, c_out, (h − 1)·stride − 2·padding +
/// kernel_h, …]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn conv_transpose2d(
    tape: &Tape,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let mut dims = Conv2dDims::transposed(input, weight, stride, padding)?;
    dims.attrs.operands = tape.operands();
    let output = kernels::conv2d_grad_input(&dims, input, weight, bias)?;
    let inputs: Vec<_> = [Some(input), Some(weight), bias].into_iter().flatten().collect();
    let (x, w, b) = (tape.keep(input)?, weight.clone(), bias.cloned());
    tape.record(&inputs, &output, move |grad_output, gradients| {
        if let Some(b) = b.filter(|b| gradients.wants(b)) {
            gradients.accumulate(&b, kernels::conv2d_grad_bias(grad_output)?)?;
        }
        if gradients.wants(&w) {
            gradients.accumulate(&w, kernels::conv2d_grad_weight(&dims, grad_output, &x.restored()?)?)?;
        }
        if gradients.wants(&x) {
            gradients.accumulate(&x, kernels::conv2d(grad_output, &w, &dims.attrs, &Epilogue::default())?)?;
        }
        Ok(())
    });
    Ok(output)
}
