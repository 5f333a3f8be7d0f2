//! Sum of two tensors: y = a + b; ∂L/∂a = ∂L/∂b = ∂L/∂y. Shader: `shaders/add.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
use crate::tensor::Tensor;

/// y = a + b.
///
/// # Shapes
/// Any shape, the same for both.
///
/// # Errors
/// Shapes that differ; out of memory.
pub fn add(tape: &Tape, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let output = kernels::add::add(a, b)?;
    let (of_a, of_b) = (a.name(), b.name());
    tape.record(&[a, b], &output, move |grad_output, gradients| {
        gradients.accumulate(&of_a, grad_output.clone())?;
        gradients.accumulate(&of_b, grad_output.clone())
    });
    Ok(output)
}
