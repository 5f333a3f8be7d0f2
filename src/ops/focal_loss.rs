//! Focal loss of probabilities: the mean over counted pixels of Σ_c −w_c·y_c·(1 − p_c)^γ·ln p_c, p clipped to [1e-7, 1 − 1e-7],
//! y = (1 − s)·target + s/classes; 0 where no pixel counts.
//! ∂L/∂p_c = w_c·y_c·(γ·(1 − p_c)^(γ − 1)·ln p_c − (1 − p_c)^γ / p_c) / pixels, 0 where p is clipped.
//!
//! Lin et al. 2017, summed over all classes as Keras programs do it, so that targets may be soft: one of zeros (no class is known) costs
//! nothing without smoothing. Shaders: `shaders/focal_loss_stats.wgsl`, `shaders/weighted_mean.wgsl`,
//! `shaders/focal_loss_grad_probabilities.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
pub use crate::kernels::focal_loss::FocalLossAttrs;
use crate::tensor::Tensor;

/// The focal loss of a batch; the gradient flows to `probabilities` only.
///
/// # Shapes
/// `probabilities`, `target`: `[n, classes, h, w]`; `mask` (1 = not counted) `[n, 1, h, w]`, without it all pixels count; weights
/// `[classes]`; the result is `[]`.
///
/// # Errors
/// Shapes that do not fit or are empty; a smoothing outside 0…1 or an exponent below 0; out of memory.
pub fn focal_loss(tape: &Tape, probabilities: &Tensor, target: &Tensor, mask: Option<&Tensor>, attrs: FocalLossAttrs) -> Result<Tensor> {
    let (loss, share) = kernels::focal_loss::focal_loss(probabilities, target, mask, &attrs)?;
    let (p, t, m, weights) = (probabilities.clone(), target.clone(), mask.cloned(), attrs.class_weights.cloned());
    let (gamma, label_smoothing) = (attrs.gamma, attrs.label_smoothing);
    tape.record(&[probabilities], &loss, move |grad_loss, gradients| {
        let attrs = FocalLossAttrs { gamma, label_smoothing, class_weights: weights.as_ref() };
        let gradient = kernels::focal_loss::focal_loss_grad_probabilities(grad_loss, &p, &t, m.as_ref(), &share, &attrs)?;
        gradients.accumulate(&p, gradient)
    });
    Ok(loss)
}
