//! Launchers of `clip_grad_norm`: the norm of many gradients and the factor that clips them, without reading anything back.
//!
//! scale = min(1, max_norm / (√ΣΣ g² + 1e-6)), as PyTorch's `clip_grad_norm_`; of gradients of a scaled loss also what undoes the scale.
//! Shaders: `shaders/clip_grad_norm_stats.wgsl`,
//! `shaders/clip_grad_norm.wgsl`, `shaders/clip_grad_norm_scale.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::clip_grad_norm::ClipGradNormParams;
use crate::host::clip_grad_norm_scale::ClipGradNormScaleParams;
use crate::host::clip_grad_norm_stats::{ClipGradNormStatsParams, VALUES_A_PART};
use crate::tensor::Tensor;

/// The clipping factor and the norm of all gradients together.
///
/// # Shapes
/// Any; both results are `[]`.
///
/// # Errors
/// No gradient at all; out of memory.
pub fn clip_grad_norm(gradients: &[&Tensor], max_norm: f64) -> Result<(Tensor, Tensor)> {
    clip_scaled_grad_norm(gradients, max_norm, 1.0)
}

/// As [`clip_grad_norm`], of gradients that are first to be multiplied by `unscale`, 1 / the factor of their loss: the norm is that of the
/// products, and the clipping factor has `unscale` in it. A norm that is not finite tells of a gradient that is not.
///
/// # Errors
/// Those of [`clip_grad_norm`].
pub fn clip_scaled_grad_norm(gradients: &[&Tensor], max_norm: f64, unscale: f32) -> Result<(Tensor, Tensor)> {
    let Some(gpu) = gradients.first().map(|g| g.gpu()) else {
        return Err(Error::shape("clip_grad_norm", "there are no gradients"));
    };
    let parts: usize = gradients.iter().map(|g| g.len().div_ceil(VALUES_A_PART)).sum();
    let squares = Tensor::empty(gpu, [parts])?;
    let mut first = 0;
    for gradient in gradients.iter().filter(|g| !g.is_empty()) {
        let own = gradient.len().div_ceil(VALUES_A_PART);
        gpu.launch(&Launch {
            plan: Plan::new("clip_grad_norm_stats", own),
            params: &ClipGradNormStatsParams { len: gradient.len() as u32, parts: own as u32, first },
            buffers: &[gradient.buffer(), squares.buffer()],
            cost: Cost::new(2.0 * gradient.len() as f64, gradient.len()),
        })?;
        first += own as u32;
    }
    let (scale, total_norm) = (Tensor::empty(gpu, [])?, Tensor::empty(gpu, [])?);
    gpu.launch(&Launch {
        plan: Plan::new("clip_grad_norm", 1),
        params: &ClipGradNormParams { parts: parts as u32, max_norm: max_norm as f32, unscale },
        buffers: &[squares.buffer(), scale.buffer(), total_norm.buffer()],
        cost: Cost::new(parts as f64, parts),
    })?;
    Ok((scale, total_norm))
}

/// `gradient` times the factor `scale` of shape `[]`, in a new tensor (gradients may share a buffer).
///
/// # Errors
/// A scale of several values; out of memory.
pub fn clip_grad_norm_scale(gradient: &Tensor, scale: &Tensor) -> Result<Tensor> {
    if scale.len() != 1 {
        return Err(Error::shape("clip_grad_norm_scale", format!("the scale is one value, got {}", scale.shape())));
    }
    let output = Tensor::empty(gradient.gpu(), gradient.shape())?;
    let packs = gradient.len().div_ceil(4);
    gradient.gpu().launch(&Launch {
        plan: Plan::each("clip_grad_norm_scale", packs),
        params: &ClipGradNormScaleParams { packs: packs as u32 },
        buffers: &[gradient.buffer(), scale.buffer(), output.buffer()],
        cost: Cost::new(gradient.len() as f64, 2 * gradient.len()),
    })?;
    Ok(output)
}
