//! Resampling of maps: y = Σ share·x over one (nearest) or four (bilinear) source pixels; ∂L/∂x = Σ share·∂L/∂y over the output pixels
//! that use x.
//!
//! Source position of output position o at ratio r: nearest ⌊o·r⌋; bilinear max((o + ½)·r − ½, 0); with aligned corners o·r, where
//! r = (in − 1)/(out − 1). Source: `torch.nn.functional.interpolate`. Shaders: `shaders/interpolate.wgsl`,
//! `shaders/interpolate_grad_input.wgsl`, `shaders/shared/resample.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
pub use crate::kernels::interpolate::{Interpolation, Target};
use crate::tensor::{Named, Tensor};

/// Resamples every plane to the target size.
///
/// # Shapes
/// input [n, c, h, w]; output [n, c, h_out, w_out].
///
/// # Errors
/// A target without pixels; out of memory.
pub fn interpolate(tape: &Tape, input: &Tensor, target: Target, mode: Interpolation) -> Result<Tensor> {
    let output = kernels::interpolate::interpolate(input, target, mode)?;
    let saved = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| {
        let grad_input = kernels::interpolate::interpolate_grad_input(grad_output, saved.shape(), target, mode)?;
        gradients.accumulate(&saved, grad_input)
    });
    Ok(output)
}
