//! Launcher of `transpose`: rows and columns of every image exchanged. Shader: `shaders/transpose.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::transpose::TransposeParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// The second and third axis exchanged, whatever follows them.
///
/// # Shapes
/// input `[n, rows, cols, …]`; output `[n, cols, rows, …]`.
///
/// # Errors
/// Fewer than three axes, or none of them; out of memory.
pub fn transpose(input: &Tensor) -> Result<Tensor> {
    let &[n, rows, cols, ref rest @ ..] = input.shape().dims() else {
        return Err(Error::shape("transpose", format!("{} has fewer than three axes", input.shape())));
    };
    if input.is_empty() {
        return Err(Error::shape("transpose", format!("{} is empty", input.shape())));
    }
    let output = Tensor::empty(input.gpu(), [&[n, cols, rows], rest].concat().as_slice())?;
    let run: usize = rest.iter().product();
    for_images("transpose", [input, &output], |[input, output]| {
        input.gpu().launch(&Launch {
            plan: Plan::each("transpose", input.len()),
            params: &TransposeParams { len: input.len() as u32, rows: rows as u32, cols: cols as u32, run: run as u32 },
            buffers: &[input.buffer(), output.buffer()],
            cost: Cost::new(0.0, 2 * input.len()),
        })
    })?;
    Ok(output)
}
