//! Host twin of `masked_loss`: loss[i] = Σ sums / max(Σ valid, 1) per image, then none, mean, sum, or 1 − mean over the
//! images. Everything is added one after the other in f64.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Partial sums of an image, images.
    MaskedLossParams for "masked_loss" { parts: u32, images: u32 }
);

pub(super) fn masked_loss(job: &Job<MaskedLossParams>, [sums]: Inputs<1>, [loss, share]: Outputs<2>) {
    let (parts, images) = (job.params.parts as usize, job.params.images as usize);
    let reduction = job.constant("REDUCTION");
    let mean = if reduction == 1 || reduction == 3 { 1.0 / images as f64 } else { 1.0 };
    // Of 1 − mean.
    let (offset, sign) = if reduction == 3 { (1.0, -1.0) } else { (0.0, 1.0) };
    let mut total = 0.0;
    for (i, (image, share)) in sums.chunks_exact(2 * parts).zip(&mut share[..images]).enumerate() {
        let pairs = image.as_chunks::<2>().0.iter().map(|&[sum, valid]| (f64::from(sum), f64::from(valid)));
        let (sum, valid) = pairs.fold((0.0, 0.0), |total, pair| (total.0 + pair.0, total.1 + pair.1));
        // Not `max`, which would take 1 for a count that is NaN.
        let valid = if valid < 1.0 { 1.0 } else { valid };
        total += sum / valid;
        *share = (sign * mean / valid) as f32;
        if reduction == 0 {
            loss[i] = (sum / valid) as f32;
        }
    }
    if reduction != 0 {
        loss[0] = (offset + sign * total * mean) as f32;
    }
}
