//! Concatenation along the channels: y = [x₀, x₁, …]; ∂L/∂xᵢ is its block of ∂L/∂y.
//!
//! Source: `torch.cat` with dim 1; `cat_padded` is the skip connection of a U-Net (Ronneberger et al. 2015, arXiv 1505.04597) with zero
//! padding instead of cropping. Shader: `shaders/pad.wgsl`.

use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::kernels;
use crate::tensor::{Name, Named, Tensor};

/// Joins tensors along the channels.
///
/// # Shapes
/// inputs [n, c_i, h, w]; output [n, Σ c_i, h, w].
///
/// # Errors
/// No inputs; batches or planes that differ; out of memory.
pub fn cat(tape: &Tape, inputs: &[&Tensor]) -> Result<Tensor> {
    if let Some(odd) = inputs.iter().find(|input| input.shape().dims().get(2..) != inputs[0].shape().dims().get(2..)) {
        return Err(Error::shape("cat", format!("planes of {} and {} differ", inputs[0].shape(), odd.shape())));
    }
    cat_padded(tape, inputs)
}

/// Joins tensors along the channels; planes smaller than the first's are centred among zeros, an odd row or column of them last.
///
/// # Shapes
/// inputs [n, c_i, h_i, w_i] with h_i ≤ h_0 and w_i ≤ w_0; output [n, Σ c_i, h_0, w_0].
///
/// # Errors
/// No inputs; batches that differ; a plane larger than the first's; out of memory.
pub fn cat_padded(tape: &Tape, inputs: &[&Tensor]) -> Result<Tensor> {
    let output = kernels::cat::cat(inputs)?;
    let saved: Vec<Name> = inputs.iter().map(|input| input.name()).collect();
    tape.record(inputs, &output, move |grad_output, gradients| {
        let mut first_channel = 0;
        for input in &saved {
            if gradients.wants(input) {
                gradients.accumulate(input, kernels::cat::cat_grad_input(grad_output, input.shape(), first_channel)?)?;
            }
            first_channel += input.shape().dims()[1];
        }
        Ok(())
    });
    Ok(output)
}
