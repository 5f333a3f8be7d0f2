//! Zero padding: y is x with zeros around it; ∂L/∂x is the inner part of ∂L/∂y.
//!
//! Source: `torch.nn.functional.pad`, constant mode. Shader: `shaders/pad.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
pub use crate::kernels::pad::Sides;
use crate::tensor::{Named, Tensor};

/// Adds zeros around every plane.
///
/// # Shapes
/// input [n, c, h, w]; output [n, c, top + h + bottom, left + w + right].
///
/// # Errors
/// Not four axes; out of memory.
pub fn pad(tape: &Tape, input: &Tensor, sides: Sides) -> Result<Tensor> {
    let output = kernels::pad::pad(input, sides)?;
    let saved = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| {
        let grad_input = kernels::pad::pad_grad_input(grad_output, saved.shape(), sides)?;
        gradients.accumulate(&saved, grad_input)
    });
    Ok(output)
}
