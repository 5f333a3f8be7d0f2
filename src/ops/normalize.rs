//! Rows of length 1, as `torch.nn.functional.normalize(input, dim=-1)`: y = x / max(‖x‖₂, eps); ∂L/∂x = (∂L/∂y − y·Σ ∂L/∂y·y) / ‖x‖₂, and
//! ∂L/∂y / eps for rows that are not longer than eps. Shaders: `shaders/normalize.wgsl`, `shaders/normalize_grad_input.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::normalize as kernels;
use crate::tensor::Tensor;

/// y = x / max(‖x‖₂, eps), row by row over the last axis.
///
/// # Shapes
/// input `[.., c]`; output as input.
///
/// # Errors
/// No rows; rows that are longer than the device can sum; out of memory.
pub fn normalize(tape: &Tape, input: &Tensor, eps: f32) -> Result<Tensor> {
    let (output, lengths) = kernels::normalize(input, eps)?;
    let (name, saved) = (input.name(), tape.keep(&output)?);
    tape.record(&[input], &output, move |grad_output, gradients| {
        gradients.accumulate(&name, kernels::normalize_grad_input(&saved.restored()?, &lengths, grad_output, eps)?)
    });
    Ok(output)
}
