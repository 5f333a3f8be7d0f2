//! Some entries of the first axis, as `torch.narrow(input, 0, start, length)`: a copy of them; the gradient is 0 elsewhere. No shader:
//! words are copied.

use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::tensor::{Named, Tensor};

/// Entries `start` to `start + length` of the first axis.
///
/// # Shapes
/// input `[rows, …]`; output `[length, …]`.
///
/// # Errors
/// Entries that there are not; out of memory.
pub fn narrow(tape: &Tape, input: &Tensor, start: usize, length: usize) -> Result<Tensor> {
    let &[rows, ref rest @ ..] = input.shape().dims() else { return Err(Error::shape("narrow", "a number has no axis")) };
    if length == 0 || start.checked_add(length).is_none_or(|end| end > rows) {
        return Err(Error::shape("narrow", format!("{length} entries from {start} of {}", input.shape())));
    }
    let each: usize = rest.iter().product();
    let (first, words) = (start * each, length * each);
    let output = Tensor::empty(input.gpu(), [&[length], rest].concat().as_slice())?;
    input.gpu().copy_words((input.buffer(), first), (output.buffer(), 0), words)?;
    let name = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| {
        let grad_input = Tensor::full(grad_output.gpu(), name.shape(), 0.0)?;
        grad_output.gpu().copy_words((grad_output.buffer(), 0), (grad_input.buffer(), first), words)?;
        gradients.accumulate(&name, grad_input)
    });
    Ok(output)
}
