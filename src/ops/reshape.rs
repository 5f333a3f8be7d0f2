//! The same elements under another shape, as `torch.reshape`: a view, and so is the gradient. No shader.

use crate::autograd::Tape;
use crate::error::Result;
use crate::tensor::{Named, Shape, Tensor};

/// The same elements, in their order.
///
/// # Shapes
/// As many elements as before.
///
/// # Errors
/// Another number of elements.
pub fn reshape(tape: &Tape, input: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    let output = input.reshaped(shape)?;
    let name = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| gradients.accumulate(&name, grad_output.reshaped(name.shape())?));
    Ok(output)
}
