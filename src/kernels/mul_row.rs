//! Launchers of `mul_row`: planes times numbers, and the gradient of the numbers. Shaders: `shaders/mul_row.wgsl`,
//! `shaders/mul_row_grad_row.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::mul_row::MulRowParams;
use crate::host::mul_row_grad_row::MulRowGradRowParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// Planes of a map and pixels of one, where a row has a number for each plane.
fn planes(op: &'static str, input: &Tensor, row: &Tensor) -> Result<[usize; 2]> {
    let [n, c, h, w] = input.nchw(op)?;
    if row.shape().dims() != [n, c] || input.is_empty() {
        return Err(Error::shape(op, format!("a row of shape {} for a map {}; [{n}, {c}] was expected", row.shape(), input.shape())));
    }
    Ok([n * c, h * w])
}

/// y = x · row, the row's number for every pixel of its plane.
///
/// # Shapes
/// input `[n, c, h, w]`, row `[n, c]`; output as input.
///
/// # Errors
/// Shapes that do not fit or are empty; out of memory.
pub fn mul_row(input: &Tensor, row: &Tensor) -> Result<Tensor> {
    let [_, plane] = planes("mul_row", input, row)?;
    let output = Tensor::empty(input.gpu(), input.shape())?;
    for_images("mul_row", [input, row, &output], |[input, row, output]| {
        input.gpu().launch(&Launch {
            plan: Plan::each("mul_row", input.len()),
            params: &MulRowParams { len: input.len() as u32, plane: plane as u32 },
            buffers: &[input.buffer(), row.buffer(), output.buffer()],
            cost: Cost::new(input.len() as f64, 2 * input.len() + row.len()),
        })
    })?;
    Ok(output)
}

/// Gradient of the row of [`mul_row`]: Σ over the plane of grad_output · input.
///
/// # Shapes
/// grad_output, input `[n, c, h, w]`; gives `[n, c]`.
///
/// # Errors
/// Shapes that differ or are empty; out of memory.
pub fn mul_row_grad_row(grad_output: &Tensor, input: &Tensor) -> Result<Tensor> {
    let [n, c, ..] = input.nchw("mul_row")?;
    let grad_row = Tensor::empty(input.gpu(), [n, c])?;
    let [_, plane] = planes("mul_row", input, &grad_row)?;
    if grad_output.shape() != input.shape() {
        return Err(Error::shape("mul_row", format!("a gradient {} of a map {}", grad_output.shape(), input.shape())));
    }
    for_images("mul_row_grad_row", [grad_output, input, &grad_row], |[grad_output, input, grad_row]| {
        input.gpu().launch(&Launch {
            plan: Plan::new("mul_row_grad_row", grad_row.len()),
            params: &MulRowGradRowParams { planes: grad_row.len() as u32, plane: plane as u32 },
            buffers: &[grad_output.buffer(), input.buffer(), grad_row.buffer()],
            cost: Cost::new(2.0 * input.len() as f64, 2 * input.len() + grad_row.len()),
        })
    })?;
    Ok(grad_row)
}
