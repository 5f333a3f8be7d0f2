//! A sum that broadcasts one side, as `torch.add` does: numbers at every pixel of their planes, or an array at every image; y = x + r,
//! ∂L/∂x = ∂L/∂y, ∂L/∂r = the sum of ∂L/∂y over what r was added to. Shaders: `shaders/add_row.wgsl`, `shaders/add_row_grad_row.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::add_row as kernels;
use crate::tensor::{Named, Tensor};

/// y = x + row.
///
/// # Shapes
/// input `[n, c, h, w]` and row `[n, c]`, or input `[n, …]` and row `[1, …]`; output as input.
///
/// # Errors
/// Shapes that do not fit or are empty; out of memory.
pub fn add_row(tape: &Tape, input: &Tensor, row: &Tensor) -> Result<Tensor> {
    let output = kernels::add_row(input, row)?;
    let (x, r) = (input.name(), row.name());
    tape.record(&[input, row], &output, move |grad_output, gradients| {
        if gradients.wants(&r) {
            gradients.accumulate(&r, kernels::add_row_grad_row(grad_output, r.shape())?)?;
        }
        gradients.accumulate(&x, grad_output.clone())
    });
    Ok(output)
}
