//! Batch norm of evaluation as a scale and a bias, for the epilogue of the convolution before it.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::batch_norm_affine::BatchNormAffineParams;
use crate::kernels::planes::GROUP;
use crate::tensor::Tensor;

/// (scale, shift) with which batch norm of evaluation is x·scale + shift: scale = weight/√(running_var + eps),
/// shift = bias − running_mean·scale.
///
/// # Shapes
/// All `[c]`.
///
/// # Errors
/// Shapes that differ or are not one axis; out of memory.
pub fn batch_norm_affine(
    weight: &Tensor,
    bias: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f32,
) -> Result<(Tensor, Tensor)> {
    let &[c] = weight.shape().dims() else {
        return Err(Error::shape("batch_norm_affine", format!("weight has shape {}, one value a channel was expected", weight.shape())));
    };
    for (name, tensor) in [("bias", bias), ("running_mean", running_mean), ("running_var", running_var)] {
        if tensor.shape() != weight.shape() {
            let message = format!("{name} has shape {}, expected that of weight, {}", tensor.shape(), weight.shape());
            return Err(Error::shape("batch_norm_affine", message));
        }
    }
    let gpu = weight.gpu();
    let (scale, shift) = (Tensor::empty(gpu, [c])?, Tensor::empty(gpu, [c])?);
    gpu.launch(&Launch {
        plan: Plan::new("batch_norm_affine", c.div_ceil(GROUP)),
        params: &BatchNormAffineParams { c: c as u32, eps },
        buffers: &[running_mean, running_var, weight, bias, &scale, &shift].map(Tensor::buffer),
        cost: Cost::new(5.0 * c as f64, 6 * c),
    })?;
    Ok((scale, shift))
}
