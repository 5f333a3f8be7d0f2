//! Depthwise 2-d convolution, as `torch.nn.functional.conv2d` with groups = channels in = channels out, with bias and activation in the
//! same pass.
//!
//! z[n,c] = b[c] + w[c] ⋆ x[n,c], y = f(z); ∂L/∂z = ∂L/∂y · f'(z), then every channel of ∂L/∂x by the transposed sums of its own plane,
//! ∂L/∂w by correlating x with ∂L/∂z, ∂L/∂b by summing ∂L/∂z. Shaders: `shaders/depthwise_conv2d*.wgsl`, `shaders/conv2d_grad_bias.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::activation::{Activation, activation as activate, activation_grad};
use crate::kernels::conv2d::{Conv2dAttrs, Conv2dDims, conv2d_grad_bias};
use crate::kernels::depthwise_conv2d as kernels;
use crate::kernels::epilogue::Epilogue;
use crate::tensor::Tensor;

/// y = f(x ∗ w + b), every channel with a filter of its own.
///
/// # Shapes
/// input `[n, c, h_in, w_in]`, weight `[c, 1, kernel_h, kernel_w]`, bias `[c]`, output `[n, c, h_out, w_out]`
/// with h_out = ⌊(h_in + 2·padding − dilation·(kernel_h − 1) − 1) / stride⌋ + 1; `groups` of `attrs` is c.
///
/// # Errors
/// Shapes that do not fit or are not depthwise; out of memory.
pub fn depthwise_conv2d(
    tape: &Tape,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    attrs: &Conv2dAttrs,
    activation: Activation,
) -> Result<Tensor> {
    let dims = Conv2dDims::forward(input, weight, attrs)?;
    let inputs: Vec<_> = [Some(input), Some(weight), bias].into_iter().flatten().collect();
    // ReLU's derivative can be read off y; the others need z, which the fused kernel does not keep.
    let fused = matches!(activation, Activation::None | Activation::Relu) || !inputs.iter().any(|t| tape.tracks(t));
    let (output, saved) = if fused {
        let output = kernels::depthwise_conv2d(input, weight, attrs, &Epilogue { activation: activation.code(), ..Epilogue::bias(bias) })?;
        (output.clone(), output)
    } else {
        let z = kernels::depthwise_conv2d(input, weight, attrs, &Epilogue::bias(bias))?;
        (activate(activation, &z)?, z)
    };
    let saved = (activation != Activation::None).then_some(saved);
    let (x, w, b) = (input.clone(), weight.clone(), bias.cloned());
    tape.record(&inputs, &output, move |grad_output, gradients| {
        let grad_z = match &saved {
            Some(saved) => activation_grad(activation, saved, grad_output)?,
            None => grad_output.clone(),
        };
        if let Some(b) = b.filter(|b| gradients.wants(b)) {
            gradients.accumulate(&b, conv2d_grad_bias(&grad_z)?)?;
        }
        if gradients.wants(&w) {
            gradients.accumulate(&w, kernels::depthwise_conv2d_grad_weight(&dims, &x, &grad_z)?)?;
        }
        if gradients.wants(&x) {
            gradients.accumulate(&x, kernels::depthwise_conv2d_grad_input(&dims, &grad_z, &w)?)?;
        }
        Ok(())
    });
    Ok(output)
}
