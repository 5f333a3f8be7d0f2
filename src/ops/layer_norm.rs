//! Layer normalisation over the last axis, as `torch.nn.functional.layer_norm`: arXiv 1607.06450.
//!
//! y = x̂·weight + bias, x̂ = (x − mean)/√(variance + eps) with the biased variance of the row; ∂L/∂x = (g − mean(g) − x̂·mean(g·x̂))/√(…)
//! with g = ∂L/∂y·weight, ∂L/∂weight = Σ over the rows of ∂L/∂y·x̂, ∂L/∂bias = Σ over the rows of ∂L/∂y.
//! Shaders: `shaders/layer_norm*.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::layer_norm as kernels;
use crate::tensor::Tensor;

/// Each row with mean 0 and variance 1, scaled and shifted.
///
/// # Shapes
/// input `[.., c]`, weight and bias `[c]`; output as input.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn layer_norm(tape: &Tape, input: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
    let (output, kernels::Saved { weight: w, stats, .. }) = kernels::layer_norm(input, weight, bias, eps)?;
    let (x, b) = (tape.keep(input)?, bias.clone());
    tape.record(&[input, weight, bias], &output, move |grad_output, gradients| {
        let saved = kernels::Saved { input: x.restored()?, weight: w, stats };
        if gradients.wants(&saved.weight) || gradients.wants(&b) {
            let (grad_weight, grad_bias) = kernels::layer_norm_grad_weight(&saved, grad_output)?;
            gradients.accumulate(&saved.weight, grad_weight)?;
            gradients.accumulate(&b, grad_bias)?;
        }
        if gradients.wants(&saved.input) {
            gradients.accumulate(&saved.input, kernels::layer_norm_grad_input(&saved, grad_output)?)?;
        }
        Ok(())
    });
    Ok(output)
}
