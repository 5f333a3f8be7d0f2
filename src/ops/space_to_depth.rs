//! Every 2×2 of tokens becomes one of four times the channels, in the order (row, column) = (0,0), (1,0), (0,1), (1,1): what patch merging
//! puts together (Liu et al. 2021, arXiv 2103.14030). In memory that is rows two by two as columns two by two: a transposition of
//! [n·h/2, 2, w, c], and the gradient is the one back. Shader: `shaders/transpose.wgsl`.

use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::kernels::transpose::transpose;
use crate::tensor::{Named, Tensor};

/// Tokens of 2×2, channels fastest.
///
/// # Shapes
/// input `[n, h, w, c]`; output `[n, h/2, w/2, 4c]`.
///
/// # Errors
/// Odd sides; out of memory.
pub fn space_to_depth(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    let op = "space_to_depth";
    let [n, h, w, c] = input.nchw(op)?;
    if h % 2 != 0 || w % 2 != 0 {
        return Err(Error::shape(op, format!("{} has odd sides; 2×2 tokens become one", input.shape())));
    }
    let output = transpose(&input.reshaped([n * h / 2, 2, w, c])?)?.reshaped([n, h / 2, w / 2, 4 * c])?;
    let name = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| {
        let grad_input = transpose(&grad_output.reshaped([n * h / 2, w, 2, c])?)?;
        gradients.accumulate(&name, grad_input.reshaped(name.shape())?)
    });
    Ok(output)
}
