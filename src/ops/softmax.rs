//! Softmax along one axis, as `torch.softmax`: y = eˣ / Σ eˣ; ∂L/∂x = y · (∂L/∂y − Σ ∂L/∂y · y).
//! Shaders: `shaders/softmax.wgsl`, `shaders/softmax_grad_input.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::softmax as kernels;
use crate::tensor::Tensor;

/// y = exp(x) / Σ exp(x) along the axis `dim`, counted from 0: 1 for the classes of `[n, classes, h, w]`.
///
/// # Shapes
/// Any shape that has this axis.
///
/// # Errors
/// No such axis; out of memory.
pub fn softmax(tape: &Tape, input: &Tensor, dim: usize) -> Result<Tensor> {
    let output = kernels::softmax(input, dim)?;
    let (x, y) = (input.name(), tape.keep(&output)?);
    tape.record(&[input], &output, move |grad_output, gradients| {
        gradients.accumulate(&x, kernels::softmax_grad_input(&y.restored()?, grad_output, dim)?)
    });
    Ok(output)
}
