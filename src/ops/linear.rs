//! The fully connected layer over rows, as `torch.nn.functional.linear`, with bias and activation in the same pass.
//!
//! z = x·wᵀ + b, y = f(z); ∂L/∂z = ∂L/∂y · f'(z), ∂L/∂x = ∂L/∂z · w, ∂L/∂w = (∂L/∂z)ᵀ · x, ∂L/∂b = Σ over the rows of ∂L/∂z.
//! Shaders: `shaders/linear.wgsl`, `shaders/linear_grad_weight.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::activation::{Activation, activation as activate, activation_grad};
use crate::kernels::linear as kernels;
use crate::tensor::Tensor;

/// y = f(x·wᵀ + b), over the last axis.
///
/// # Shapes
/// input `[.., c_in]`, weight `[c_out, c_in]`, bias `[c_out]`, output `[.., c_out]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn linear(tape: &Tape, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    let operands = tape.operands();
    let inputs: Vec<_> = [Some(input), Some(weight), bias].into_iter().flatten().collect();
    // As for convolutions: where f' is told from y, z need not be kept.
    let fused = activation.keeps_sign() || !inputs.iter().any(|tensor| tape.tracks(tensor));
    let (output, saved) = if fused {
        let output = kernels::linear(input, weight, bias, activation, operands)?;
        (output.clone(), output)
    } else {
        let z = kernels::linear(input, weight, bias, Activation::None, operands)?;
        (activate(activation, &z)?, z)
    };
    let saved = (activation != Activation::None).then(|| tape.keep(&saved)).transpose()?;
    let (x, w, b) = (tape.keep(input)?, weight.clone(), bias.cloned());
    tape.record(&inputs, &output, move |grad_output, gradients| {
        let grad_z = match &saved {
            Some(saved) => activation_grad(activation, &saved.restored()?, grad_output)?,
            None => grad_output.clone(),
        };
        let b = b.filter(|b| gradients.wants(b));
        if gradients.wants(&w) || b.is_some() {
            let (grad_weight, grad_bias) = kernels::linear_grad_weight(&x.restored()?, &grad_z, &w, operands)?;
            if let Some(b) = b {
                gradients.accumulate(&b, grad_bias)?;
            }
            gradients.accumulate(&w, grad_weight)?;
        }
        if gradients.wants(&x) {
            gradients.accumulate(&x, kernels::linear_grad_input(&grad_z, &w, operands)?)?;
        }
        Ok(())
    });
    Ok(output)
}
