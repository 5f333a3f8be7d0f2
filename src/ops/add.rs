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
    let (a, b) = (a.clone(), b.clone());
    tape.record(&[&a.clone(), &b.clone()], &output, move |grad_output, gradients| {
        gradients.accumulate(&a, grad_output.clone())?;
        gradients.accumulate(&b, grad_output.clone())
    });
    Ok(output)
}
