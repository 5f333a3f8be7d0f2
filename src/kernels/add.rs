//! Launcher of `add`: the sum of two tensors. Shader: `shaders/add.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::add::AddParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// y = a + b.
///
/// # Shapes
/// Any shape, the same for both.
///
/// # Errors
/// Shapes that differ; out of memory.
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.shape() != b.shape() {
        return Err(Error::shape("add", format!("shapes {} and {} differ", a.shape(), b.shape())));
    }
    let output = Tensor::empty(a.gpu(), a.shape())?;
    for_images("add", [a, b, &output], |[a, b, output]| {
        let packs = a.len().div_ceil(4);
        a.gpu().launch(&Launch {
            plan: Plan::each("add", packs),
            params: &AddParams { packs: packs as u32 },
            buffers: &[a.buffer(), b.buffer(), output.buffer()],
            cost: Cost::new(a.len() as f64, 3 * a.len()),
        })
    })?;
    Ok(output)
}
