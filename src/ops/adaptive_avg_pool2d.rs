//! Global average: y = Σ x / (h·w) of every plane; ∂L/∂x = ∂L/∂y / (h·w).
//!
//! Source: `torch.nn.functional.adaptive_avg_pool2d` with output size 1. Shaders: `shaders/adaptive_avg_pool2d.wgsl`,
//! `shaders/adaptive_avg_pool2d_grad_input.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
use crate::tensor::{Named, Tensor};

/// Mean of every plane.
///
/// # Shapes
/// input [n, c, h, w]; output [n, c, 1, 1].
///
/// # Errors
/// Not four axes; out of memory.
pub fn adaptive_avg_pool2d(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    let output = kernels::adaptive_avg_pool2d::adaptive_avg_pool2d(input)?;
    let saved = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| {
        let grad_input = kernels::adaptive_avg_pool2d::adaptive_avg_pool2d_grad_input(grad_output, saved.shape())?;
        gradients.accumulate(&saved, grad_input)
    });
    Ok(output)
}
