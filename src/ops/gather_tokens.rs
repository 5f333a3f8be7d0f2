//! Some tokens of every sample, in the order of their list, as `torch.take_along_dim` over the second axis; the gradient goes back to where
//! they were, and is 0 elsewhere. Shaders: `shaders/gather_tokens.wgsl`, `shaders/scatter_tokens.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::gather_tokens as kernels;
pub use crate::kernels::gather_tokens::Picked;
use crate::tensor::{Named, Tensor};

/// The picked tokens of every sample.
///
/// # Shapes
/// input `[n, tokens, c]`; output `[n, picked, c]`.
///
/// # Errors
/// Other samples or tokens than those that were picked from; out of memory.
pub fn gather_tokens(tape: &Tape, input: &Tensor, picked: &Picked) -> Result<Tensor> {
    let output = kernels::gather_tokens(input, picked)?;
    let (name, picked) = (input.name(), picked.clone());
    tape.record(&[input], &output, move |grad_output, gradients| {
        let grad_input = Tensor::full(grad_output.gpu(), name.shape(), 0.0)?;
        kernels::scatter_tokens(grad_output, &picked, &grad_input)?;
        gradients.accumulate(&name, grad_input)
    });
    Ok(output)
}
