//! Cross entropy of class maps. A counted pixel of class t has the loss Σ_c w_c·q_c·(−ln p_c), p = softmax of the logits,
//! q_c = (1 − s)·[c = t] + s/classes; the loss is Σ loss / Σ w_t over the counted pixels of the batch, 0 where none counts.
//! ∂L/∂logit_c = (p_c·Σ_k w_k·q_k − w_c·q_c) / Σ w_t.
//!
//! PyTorch's `cross_entropy` with `weight`, `label_smoothing` and `reduction="mean"`, where masked pixels are those of `ignore_index`. The
//! target under the mask may be anything; a counted pixel whose number is no class gives NaN. Shaders: `shaders/cross_entropy_stats.wgsl`,
//! `shaders/weighted_mean.wgsl`, `shaders/cross_entropy_grad_logits.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
pub use crate::kernels::cross_entropy::CrossEntropyAttrs;
use crate::tensor::Tensor;

/// The cross entropy of a batch; the gradient flows to `logits` only.
///
/// # Shapes
/// `logits` `[n, classes, h, w]`; `target` (numbers of classes from 0) and `mask` (1 = not counted) `[n, 1, h, w]`; weights `[classes]`;
/// the result is `[]`.
///
/// # Errors
/// Shapes that do not fit or are empty; a smoothing outside 0…1; out of memory.
pub fn cross_entropy(tape: &Tape, logits: &Tensor, target: &Tensor, mask: &Tensor, attrs: CrossEntropyAttrs) -> Result<Tensor> {
    let (loss, share) = kernels::cross_entropy::cross_entropy(logits, target, mask, &attrs)?;
    let (x, t, m, weights) = (logits.clone(), target.clone(), mask.clone(), attrs.class_weights.cloned());
    let label_smoothing = attrs.label_smoothing;
    tape.record(&[logits], &loss, move |grad_loss, gradients| {
        let attrs = CrossEntropyAttrs { label_smoothing, class_weights: weights.as_ref() };
        let grad_logits = kernels::cross_entropy::cross_entropy_grad_logits(grad_loss, &x, &t, &m, &share, &attrs)?;
        gradients.accumulate(&x, grad_logits)
    });
    Ok(loss)
}
