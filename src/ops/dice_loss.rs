//! Dice loss of class maps: the mean over all classes of 1 − N / D with N = 2·Σ p·t + smooth, D = Σ p² + Σ t² + smooth, p = softmax of the
//! logits, t the one-hot target, sums over the counted pixels of the batch. With g_c = ∂L/∂p_c = 2·(N·p_c / D − t_c) / (D·classes),
//! ∂L/∂logit_c = p_c·(g_c − Σ_k p_k·g_k).
//!
//! Milletari et al. 2016 (V-Net), with squares below. The target under the mask may be anything; a counted pixel whose number is no class
//! gives NaN. Shaders: `shaders/dice_loss_stats.wgsl`, `shaders/dice_loss.wgsl`, `shaders/dice_loss_grad_logits.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
use crate::tensor::Tensor;

/// The Dice loss of a batch; the gradient flows to `logits` only. Where no pixel counts the loss is 0.
///
/// # Shapes
/// `logits` `[n, classes, h, w]`; `target` (numbers of classes from 0) and `mask` (1 = not counted) `[n, 1, h, w]`; the result is `[]`.
///
/// # Errors
/// Shapes that do not fit or are empty; a `smooth` that is not above 0; out of memory.
pub fn dice_loss(tape: &Tape, logits: &Tensor, target: &Tensor, mask: &Tensor, smooth: f64) -> Result<Tensor> {
    let (loss, slopes) = kernels::dice_loss::dice_loss(logits, target, mask, smooth)?;
    let (x, t, m) = (logits.clone(), target.clone(), mask.clone());
    tape.record(&[logits], &loss, move |grad_loss, gradients| {
        gradients.accumulate(&x, kernels::dice_loss::dice_loss_grad_logits(grad_loss, &x, &t, &m, &slopes)?)
    });
    Ok(loss)
}
