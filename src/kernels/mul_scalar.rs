//! Launcher of `mul_scalar`: a tensor times a number. Shader: `shaders/mul_scalar.wgsl`.

use crate::error::Result;
use crate::gpu::{Cost, Launch, Plan};
use crate::host::mul_scalar::MulScalarParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// y = factor · x.
///
/// # Shapes
/// Any.
///
/// # Errors
/// Out of memory.
pub fn mul_scalar(input: &Tensor, factor: f32) -> Result<Tensor> {
    let output = Tensor::empty(input.gpu(), input.shape())?;
    for_images("mul_scalar", [input, &output], |[input, output]| {
        let packs = input.len().div_ceil(4);
        input.gpu().launch(&Launch {
            plan: Plan::each("mul_scalar", packs),
            params: &MulScalarParams { packs: packs as u32, factor },
            buffers: &[input.buffer(), output.buffer()],
            cost: Cost::new(input.len() as f64, 2 * input.len()),
        })
    })?;
    Ok(output)
}
