//! Square windows put back into maps of tokens, which are then rolled: `torch.roll` by (shift, shift). The inverse of `window_partition`,
//! and each is the other's gradient. Shaders: `shaders/window_reverse.wgsl`, `shaders/window_partition.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::window_partition as kernels;
use crate::tensor::Tensor;

/// Maps of `size` (rows, columns) of their windows, rolled down and to the right by `shift`.
///
/// # Shapes
/// input `[n·windows, window², c]`; output `[n, h, w, c]`.
///
/// # Errors
/// Windows that do not fill maps of this size; a roll of a window or more; out of memory.
pub fn window_reverse(tape: &Tape, input: &Tensor, window: usize, shift: usize, size: [usize; 2]) -> Result<Tensor> {
    let output = kernels::window_reverse(input, window, shift, size)?;
    let name = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| {
        gradients.accumulate(&name, kernels::window_partition(grad_output, window, shift)?)
    });
    Ok(output)
}
