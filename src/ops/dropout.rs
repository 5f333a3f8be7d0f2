//! Dropout: y = x·m/(1 − p) with m = 0 with probability p, else 1; ∂L/∂x = ∂L/∂y·m/(1 − p) with the same m.
//!
//! m is a hash of (seed, pass, element), so a repeated or resumed pass drops the same elements and nothing is saved for the gradient.
//! Source: Srivastava et al. 2014, JMLR 15; `torch.nn.functional.dropout`. Shader: `shaders/dropout.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::dropout::{Draw, dropout as launch};
use crate::tensor::Tensor;

/// Drops the share `p` (from 0 to below 1) of the elements; `seed` tells layers apart, `draw` passes.
///
/// # Shapes
/// Any shape.
///
/// # Errors
/// A share outside 0…1; out of memory.
pub fn dropout(tape: &Tape, input: &Tensor, p: f64, seed: u64, draw: u64) -> Result<Tensor> {
    if p == 0.0 {
        return Ok(input.clone());
    }
    let draw = Draw { p, seed, draw };
    let output = launch(input, &draw)?;
    let saved = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| gradients.accumulate(&saved, launch(grad_output, &draw)?));
    Ok(output)
}
