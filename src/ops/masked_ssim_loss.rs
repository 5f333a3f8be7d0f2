//! One minus the mean over the images of their structural similarity over valid pixels (Wang et al. 2004; as a loss Zhao et al. 2017,
//! arXiv 1511.08861): what [`masked_ssim`](crate::kernels::masked_ssim) measures, minimised.
//!
//! With the window w, μ = w ∗ a and so on, and s(p) of the pixels p that count, ∂s/∂a(q) is
//! Σ_p w(p − q)·(∂s(p)/∂E\[a\] + 2a(q)·∂s(p)/∂E\[a²\] + b(q)·∂s(p)/∂E\[ab\]): three maps blurred once more. An image without a valid pixel
//! inside the frame has similarity 0 and no gradient. Shaders: `shaders/masked_ssim_loss_grad_moments.wgsl`,
//! `shaders/masked_ssim_loss_grad_pred.wgsl`, and those of the measure.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels;
use crate::tensor::Tensor;

/// The loss of a batch; the gradient flows to `pred` only, and not where that is outside the data range or under the mask.
///
/// # Shapes
/// `pred`, `target`, `mask` (1 = invalid): `[n, c, h, w]`; the result is `[]`. `sigma` is in pixels.
///
/// # Errors
/// Shapes that differ; a sigma or data range that is empty; out of memory.
pub fn masked_ssim_loss(tape: &Tape, pred: &Tensor, target: &Tensor, mask: &Tensor, sigma: f64, data_range: [f64; 2]) -> Result<Tensor> {
    let (loss, share) = kernels::masked_ssim_loss::masked_ssim_loss(pred, target, mask, sigma, data_range)?;
    let (p, t, m) = (pred.clone(), target.clone(), mask.clone());
    tape.record(&[pred], &loss, move |grad_loss, gradients| {
        let of_pred = kernels::masked_ssim_loss::masked_ssim_loss_grad_pred;
        gradients.accumulate(&p, of_pred(grad_loss, &p, &t, &m, share.as_ref(), sigma, data_range)?)
    });
    Ok(loss)
}
