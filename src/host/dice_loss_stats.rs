//! Host twin of `dice_loss_stats`: Σ p·t, Σ p², Σ t² of each class over the counted pixels of runs of each image, p = softmax, t the
//! one-hot target. A counted pixel without a class gives NaN.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::classes::{Planes, class_of, class_sum};
use super::shared::functions::exp;

params!(
    /// Pixels of an image, workgroups of an image, images, classes.
    DiceLossPixelParams for "dice_loss_stats", "dice_loss_grad_logits" { pixels: u32, parts: u32, images: u32, classes: u32 }
);

/// Pixels behind one set of sums, as many as a workgroup of the WGSL takes.
pub(crate) const PIXELS_A_PART: usize = 64 * 8;

pub(super) fn dice_loss_stats(job: &Job<DiceLossPixelParams>, [logits, wanted, mask]: Inputs<3>, [sums]: Outputs<1>) {
    let DiceLossPixelParams { pixels, parts, images, classes } = job.params;
    let logits = Planes::new(logits, classes, pixels);
    let (pixels, parts, words) = (pixels as usize, parts as usize, 3 * classes as usize);
    let sets = sums[..images as usize * parts * words].par_chunks_exact_mut(words).enumerate();
    sets.with_min_len(items_a_task(PIXELS_A_PART)).for_each(|(part, set)| {
        let (image, first) = (part / parts, part % parts * PIXELS_A_PART);
        let mut wide = vec![0.0f64; words];
        for pixel in (first..pixels.min(first + PIXELS_A_PART)).filter(|pixel| mask[image * pixels + pixel] == 0.0) {
            let target = class_of(wanted[image * pixels + pixel], classes);
            let [largest, sum] = class_sum(logits.of(image, pixel));
            for (c, (sums, logit)) in wide.as_chunks_mut::<3>().0.iter_mut().zip(logits.of(image, pixel)).enumerate() {
                let p = f64::from(exp(logit - largest) / sum);
                sums[1] += p * p;
                if target == Some(c) {
                    sums[0] += p;
                    sums[2] += 1.0;
                } else if target.is_none() {
                    *sums = [f64::NAN; 3];
                }
            }
        }
        set.iter_mut().zip(wide).for_each(|(sum, wide)| *sum = wide as f32);
    });
}
