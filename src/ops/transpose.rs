//! The second and third axis exchanged, as `torch.transpose(input, 1, 2)`: maps to tokens and back, tokens to heads and back; the gradient
//! is that of the output, transposed. Shader: `shaders/transpose.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
use crate::tensor::Tensor;

/// The second and third axis exchanged, whatever follows them.
///
/// # Shapes
/// input `[n, rows, cols, …]`; output `[n, cols, rows, …]`.
///
/// # Errors
/// Fewer than three axes, or none of them; out of memory.
pub fn transpose(tape: &Tape, input: &Tensor) -> Result<Tensor> {
    let output = kernels::transpose::transpose(input)?;
    let name = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| gradients.accumulate(&name, kernels::transpose::transpose(grad_output)?));
    Ok(output)
}
