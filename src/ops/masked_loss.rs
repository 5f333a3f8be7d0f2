//! Loss over valid pixels. With d = pred − target and its cost e, an image's loss is Σ e·(1 − mask) / max(Σ (1 − mask), 1);
//! its gradient is slope·(1 − mask) / max(Σ (1 − mask), 1) with slope = ∂e/∂d, 0 at 0:
//!
//! | kind | e | slope |
//! | --- | --- | --- |
//! | L1 | \|d\| | sign(d) |
//! | MSE | d² | 2d |
//! | Huber | ½d² where \|d\| ≤ δ, else δ·(\|d\| − ½ δ) | d clamped to ±δ |
//! | focal L1 | \|d\|^(1 + γ) | (1 + γ)·\|d\|^γ·sign(d) |
//! | pinball | (1 − τ)·d where d > 0, else −τ·d | 1 − τ where d > 0, −τ where d < 0 |
//!
//! An image without a valid pixel contributes 0 and counts in the mean; NaN under the mask gives NaN, as in PyTorch.
//! Shaders: `shaders/masked_loss_stats.wgsl`, `shaders/masked_loss.wgsl`, `shaders/masked_loss_grad_pred.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
pub use crate::kernels::masked_loss::{LossKind, Reduction};
use crate::tensor::Tensor;

/// The masked loss of a batch; the gradient flows to `pred` only.
///
/// # Shapes
/// `pred`, `target`, `mask` (1 = invalid): `[n, c, h, w]`; the result is `[n]` for [`Reduction::None`], else `[]`.
///
/// # Errors
/// Shapes that differ or are empty; a δ, γ or τ out of its range; out of memory.
pub fn masked_loss(tape: &Tape, pred: &Tensor, target: &Tensor, mask: &Tensor, kind: LossKind, reduction: Reduction) -> Result<Tensor> {
    let (loss, share) = kernels::masked_loss::masked_loss(pred, target, mask, kind, reduction)?;
    let (p, t, m) = (pred.clone(), target.clone(), mask.clone());
    tape.record(&[pred], &loss, move |grad_loss, gradients| {
        let grad_pred = kernels::masked_loss::masked_loss_grad_pred(grad_loss, &p, &t, &m, &share, kind, reduction)?;
        gradients.accumulate(&p, grad_pred)
    });
    Ok(loss)
}
