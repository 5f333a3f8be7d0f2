//! Launchers of `softmax` and its gradient. Shaders: `shaders/softmax.wgsl`, `shaders/softmax_grad_input.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::softmax::SoftmaxParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// y = exp(x) / Σ exp(x) along the axis `dim`.
///
/// # Shapes
/// Any shape that has this axis.
///
/// # Errors
/// No such axis; nothing along it; more values along it than the device can sum; out of memory.
pub fn softmax(input: &Tensor, dim: usize) -> Result<Tensor> {
    let output = Tensor::empty(input.gpu(), input.shape())?;
    launch("softmax", [input, &output], dim)?;
    Ok(output)
}

/// ∂L/∂x = y · (∂L/∂y − Σ ∂L/∂y · y) from the softmax itself.
///
/// # Shapes
/// Any shape that has this axis, the same for both.
///
/// # Errors
/// As [`softmax`]; shapes that differ.
pub fn softmax_grad_input(output: &Tensor, grad_output: &Tensor, dim: usize) -> Result<Tensor> {
    if output.shape() != grad_output.shape() {
        let message = format!("a gradient of shape {} for an output of shape {}", grad_output.shape(), output.shape());
        return Err(Error::shape("softmax_grad_input", message));
    }
    let grad_input = Tensor::empty(output.gpu(), output.shape())?;
    launch("softmax_grad_input", [output, grad_output, &grad_input], dim)?;
    Ok(grad_input)
}

fn launch<const N: usize>(stem: &'static str, tensors: [&Tensor; N], dim: usize) -> Result<()> {
    let shape = tensors[0].shape();
    if dim >= shape.dims().len() || shape.is_empty() {
        return Err(Error::shape(stem, format!("axis {dim} of a non-empty tensor was expected, which {shape} has not")));
    }
    let (gpu, len) = (tensors[0].gpu(), shape.dims()[dim]);
    // Three loops, each with its last trip.
    if !gpu.capabilities().loops(3 * (len + 1)) {
        return Err(Error::shape(stem, format!("{} cannot sum {len} values in one go", gpu.capabilities().name)));
    }
    if dim == 0 {
        // Runs of images would cut the axis.
        return once(stem, &tensors, dim);
    }
    for_images(stem, tensors, |tensors| once(stem, &tensors, dim))
}

fn once(stem: &'static str, tensors: &[&Tensor], dim: usize) -> Result<()> {
    let Some(first) = tensors.first() else { return Ok(()) };
    let dims = first.shape().dims();
    let [outer, inner] = [&dims[..dim], &dims[dim + 1..]].map(|extents| extents.iter().product::<usize>());
    first.gpu().launch(&Launch {
        plan: Plan::each(stem, outer * inner),
        params: &SoftmaxParams { outer: outer as u32, len: dims[dim] as u32, inner: inner as u32 },
        buffers: &tensors.iter().map(|tensor| tensor.buffer()).collect::<Vec<_>>(),
        cost: Cost::new(5.0 * first.len() as f64, tensors.len() * first.len()),
    })
}
