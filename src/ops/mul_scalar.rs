//! A tensor times a number, `torch.mul(input, number)`: y = factor · x; ∂L/∂x = factor · ∂L/∂y. Shader: `shaders/mul_scalar.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
use crate::tensor::Tensor;

/// y = factor · x.
///
/// # Shapes
/// Any.
///
/// # Errors
/// Out of memory.
pub fn mul_scalar(tape: &Tape, input: &Tensor, factor: f32) -> Result<Tensor> {
    let output = kernels::mul_scalar::mul_scalar(input, factor)?;
    let name = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| {
        gradients.accumulate(&name, kernels::mul_scalar::mul_scalar(grad_output, factor)?)
    });
    Ok(output)
}
