//! Planes times a number each, the scaling of squeeze-excitation (Hu, Shen and Sun 2018, arXiv 1709.01507): y = x · s;
//! ∂L/∂x = ∂L/∂y · s, ∂L/∂s = Σ over the plane of ∂L/∂y · x. Shaders: `shaders/mul_row.wgsl`, `shaders/mul_row_grad_row.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::mul_row as kernels;
use crate::tensor::Tensor;

/// y = x · row, the row's number for every pixel of its plane.
///
/// # Shapes
/// input `[n, c, h, w]`, row `[n, c]`; output as input.
///
/// # Errors
/// Shapes that do not fit or are empty; out of memory.
pub fn mul_row(tape: &Tape, input: &Tensor, row: &Tensor) -> Result<Tensor> {
    let output = kernels::mul_row(input, row)?;
    let (x, s) = (tape.keep(input)?, row.clone());
    tape.record(&[input, row], &output, move |grad_output, gradients| {
        if gradients.wants(&s) {
            gradients.accumulate(&s, kernels::mul_row_grad_row(grad_output, &x.restored()?)?)?;
        }
        if gradients.wants(&x) {
            gradients.accumulate(&x, kernels::mul_row(grad_output, &s)?)?;
        }
        Ok(())
    });
    Ok(output)
}
