//! 2-d convolution (cross-correlation), as `torch.nn.functional.conv2d`, with bias and activation in the same pass; and its depthwise form,
//! in which groups = channels in = channels out.
//!
//! z[n,o] = b[o] + Σ_i w[o,i] ⋆ x[n,i], y = f(z); ∂L/∂z = ∂L/∂y · f'(z), then ∂L/∂x by the transposed sums, ∂L/∂w by correlating x with
//! ∂L/∂z, ∂L/∂b by summing ∂L/∂z. Depthwise, every channel is alone: z[n,c] = b[c] + w[c] ⋆ x[n,c].
//! Shaders: `shaders/conv2d*.wgsl`, `shaders/depthwise_conv2d*.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::activation::{Activation, activation as activate, activation_grad};
use crate::kernels::conv2d::{self as dense, Conv2dAttrs, Conv2dDims, conv2d_grad_bias};
use crate::kernels::depthwise_conv2d as depthwise;
use crate::kernels::epilogue::Epilogue;
use crate::kernels::pack_half::Stored;
use crate::tensor::Tensor;

/// Launchers that make a convolution.
#[derive(Clone, Copy)]
struct Kernels {
    forward: fn(&Tensor, &Tensor, &Conv2dAttrs, &Epilogue) -> Result<Tensor>,
    grad_input: fn(&Conv2dDims, &Tensor, &Tensor) -> Result<Tensor>,
    grad_weight: fn(&Conv2dDims, &Stored, &Tensor) -> Result<Tensor>,
}

const DENSE: Kernels = Kernels {
    forward: dense::conv2d,
    grad_input: |dims, grad_output, weight| dense::conv2d_grad_input(dims, grad_output, weight, None),
    grad_weight: dense::conv2d_grad_weight_of_stored,
};

const DEPTHWISE: Kernels = Kernels {
    forward: depthwise::depthwise_conv2d,
    grad_input: depthwise::depthwise_conv2d_grad_input,
    grad_weight: |dims, input, grad_output| depthwise::depthwise_conv2d_grad_weight(dims, &input.whole()?, grad_output),
};

/// y = f(x ∗ w + b).
///
/// # Shapes
/// input `[n, c_in, h_in, w_in]`, weight `[c_out, c_in / groups, kernel_h, kernel_w]`, bias `[c_out]`, output `[n, c_out, h_out, w_out]`
/// with h_out = ⌊(h_in + 2·padding − dilation·(kernel_h − 1) − 1) / stride⌋ + 1.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn conv2d(
    tape: &Tape,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    attrs: &Conv2dAttrs,
    activation: Activation,
) -> Result<Tensor> {
    convolved(tape, DENSE, [input, weight], bias, attrs, activation)
}

/// y = f(x ∗ w + b), every channel with a filter of its own.
///
/// # Shapes
/// input `[n, c, h_in, w_in]`, weight `[c, 1, kernel_h, kernel_w]`, bias `[c]`, output `[n, c, h_out, w_out]` with the sides of [`conv2d`];
/// `groups` of `attrs` is c.
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
    convolved(tape, DEPTHWISE, [input, weight], bias, attrs, activation)
}

fn convolved(
    tape: &Tape,
    kernels: Kernels,
    [input, weight]: [&Tensor; 2],
    bias: Option<&Tensor>,
    attrs: &Conv2dAttrs,
    activation: Activation,
) -> Result<Tensor> {
    let attrs = &Conv2dAttrs { operands: tape.operands(), ..*attrs };
    let dims = Conv2dDims::forward(input, weight, attrs)?;
    let inputs: Vec<_> = [Some(input), Some(weight), bias].into_iter().flatten().collect();
    // A rectifier's derivative can be read off y; the others need z, which the fused kernel does not keep.
    let fused = activation.keeps_sign() || !inputs.iter().any(|t| tape.tracks(t));
    let (output, saved) = if fused {
        let output = (kernels.forward)(input, weight, attrs, &Epilogue { activation, ..Epilogue::bias(bias) })?;
        (output.clone(), output)
    } else {
        let z = (kernels.forward)(input, weight, attrs, &Epilogue::bias(bias))?;
        (activate(activation, &z)?, z)
    };
    // Without an activation the gradient needs neither y nor z.
    let saved = (activation != Activation::None).then(|| tape.keep(&saved)).transpose()?;
    let (x, w, b) = (tape.keep(input)?, weight.clone(), bias.cloned());
    tape.record(&inputs, &output, move |grad_output, gradients| {
        let grad_z = match &saved {
            Some(saved) => activation_grad(activation, &saved.restored()?, grad_output)?,
            None => grad_output.clone(),
        };
        if let Some(b) = b.filter(|b| gradients.wants(b)) {
            gradients.accumulate(&b, conv2d_grad_bias(&grad_z)?)?;
        }
        if gradients.wants(&w) {
            gradients.accumulate(&w, (kernels.grad_weight)(&dims, &x.stored(), &grad_z)?)?;
        }
        if gradients.wants(&x) {
            gradients.accumulate(&x, (kernels.grad_input)(&dims, &grad_z, &w)?)?;
        }
        Ok(())
    });
    Ok(output)
}
