//! Launchers of `add_row`: numbers added to planes, or an array to every image, and the gradient of what was added. Shaders:
//! `shaders/add_row.wgsl`, `shaders/add_row_grad_row.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::add_row::AddRowParams;
use crate::host::add_row_grad_row::AddRowGradRowParams;
use crate::kernels::adaptive_avg_pool2d::adaptive_avg_pool2d;
use crate::kernels::image_groups::{for_images, sum_over_images};
use crate::kernels::mul_scalar::mul_scalar;
use crate::tensor::{Shape, Tensor};

/// What a row is added to.
enum Kind {
    /// A number for each plane, of so many pixels.
    Planes(usize),
    /// An array for every image.
    Images,
}

fn kind(input: &Shape, row: &Shape) -> Result<Kind> {
    match (input.dims(), row.dims()) {
        (&[n, c, h, w], &[n_row, c_row]) if (n, c) == (n_row, c_row) && !input.is_empty() => Ok(Kind::Planes(h * w)),
        ([_, image @ ..], [1, of_row @ ..]) if image == of_row && !input.is_empty() => Ok(Kind::Images),
        _ => {
            let message =
                format!("a row of shape {row} cannot be added to {input}; [n, c] to [n, c, h, w], or [1, …] to [n, …] was expected");
            Err(Error::shape("add_row", message))
        }
    }
}

/// y = x + row: the row's number at every pixel of its plane, or the row at every image.
///
/// # Shapes
/// input `[n, c, h, w]` and row `[n, c]`, or input `[n, …]` and row `[1, …]`; output as input.
///
/// # Errors
/// Shapes that do not fit or are empty; out of memory.
pub fn add_row(input: &Tensor, row: &Tensor) -> Result<Tensor> {
    let kind = kind(input.shape(), row.shape())?;
    let output = Tensor::empty(input.gpu(), input.shape())?;
    let launch = |input: &Tensor, row: &Tensor, output: &Tensor, plane: usize| {
        input.gpu().launch(&Launch {
            plan: Plan::each("add_row", input.len()),
            params: &AddRowParams { len: input.len() as u32, plane: plane as u32, rows: row.len() as u32 },
            buffers: &[input.buffer(), row.buffer(), output.buffer()],
            cost: Cost::new(input.len() as f64, 2 * input.len() + row.len()),
        })
    };
    match kind {
        Kind::Planes(plane) => for_images("add_row", [input, row, &output], |[input, row, output]| launch(input, row, output, plane))?,
        Kind::Images => for_images("add_row", [input, &output], |[input, output]| launch(input, row, output, 1))?,
    }
    Ok(output)
}

/// Gradient of the row of [`add_row`]: the sum of grad_output over the pixels of each plane, or over the images.
///
/// # Shapes
/// grad_output as the input; gives `row`.
///
/// # Errors
/// As [`add_row`].
pub fn add_row_grad_row(grad_output: &Tensor, row: &Shape) -> Result<Tensor> {
    match kind(grad_output.shape(), row)? {
        Kind::Planes(plane) => mul_scalar(&adaptive_avg_pool2d(grad_output)?, plane as f32)?.reshaped(row),
        Kind::Images => sum_over_images("add_row_grad_row", [grad_output], |[grad_output]| {
            let sum = Tensor::empty(grad_output.gpu(), row)?;
            let images = grad_output.len() / sum.len();
            grad_output.gpu().launch(&Launch {
                plan: Plan::each("add_row_grad_row", sum.len()),
                params: &AddRowGradRowParams { images: images as u32, rows: sum.len() as u32 },
                buffers: &[grad_output.buffer(), sum.buffer()],
                cost: Cost::new(grad_output.len() as f64, grad_output.len() + sum.len()),
            })?;
            Ok(sum)
        }),
    }
}
