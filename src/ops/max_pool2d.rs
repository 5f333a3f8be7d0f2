//! Max pooling: y = max over each window; ∂L/∂x is the sum of ∂L/∂y over the windows whose (first) maximum x is.
//!
//! Source: `torch.nn.functional.max_pool2d`, floor mode. Shaders: `shaders/max_pool2d.wgsl`, `shaders/max_pool2d_grad_input.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
pub use crate::kernels::max_pool2d::Window;
use crate::tensor::{Named, Tensor};

/// Maximum of every window.
///
/// # Shapes
/// input [n, c, h, w]; output [n, c, h_out, w_out] with ⌊(h + 2·padding − kernel) / stride⌋ + 1 rows.
///
/// # Errors
/// A window that does not fit, padding above half the kernel; out of memory.
pub fn max_pool2d(tape: &Tape, input: &Tensor, window: Window) -> Result<Tensor> {
    let (output, index) = kernels::max_pool2d::max_pool2d(input, window)?;
    let saved = input.name();
    tape.record(&[input], &output, move |grad_output, gradients| {
        let grad_input = kernels::max_pool2d::max_pool2d_grad_input(grad_output, &index, saved.shape(), window)?;
        gradients.accumulate(&saved, grad_input)
    });
    Ok(output)
}
