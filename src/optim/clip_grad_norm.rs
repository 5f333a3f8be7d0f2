//! Clipping by the norm of all gradients together, on its own; [`super::Optimizer::step`] folds it into the update.

use crate::error::Result;
use crate::kernels;
use crate::tensor::Tensor;

/// Gradients times min(1, max_norm / (norm + 1e-6)), and their norm before clipping (shape `[]`).
///
/// # Errors
/// No gradient at all; out of memory.
pub fn clip_grad_norm(gradients: &[Tensor], max_norm: f64) -> Result<(Vec<Tensor>, Tensor)> {
    let all: Vec<_> = gradients.iter().collect();
    let (scale, total_norm) = kernels::clip_grad_norm::clip_grad_norm(&all, max_norm)?;
    let clipped = gradients.iter().map(|g| kernels::clip_grad_norm::clip_grad_norm_scale(g, &scale)).collect::<Result<_>>()?;
    Ok((clipped, total_norm))
}
