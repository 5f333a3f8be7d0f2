//! Host twin of `focal_loss_stats`: Σ Σ_c −w_c·y_c·(1 − p_c)^γ·ln p_c over the counted pixels of runs of each image, and their number, p
//! clipped to [1e-7, 1 − 1e-7], y = (1 − s)·wanted + s/classes.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::classes::Planes;

params!(
    /// Pixels of an image, workgroups of an image, images, classes; the exponent; share of a pixel's target that all classes divide.
    FocalLossParams for "focal_loss_stats", "focal_loss_grad_probabilities" {
        pixels: u32, parts: u32, images: u32, classes: u32, gamma: f32, smoothing: f32
    }
);

/// Pixels behind one pair of sums, as many as a workgroup of the WGSL takes.
pub(crate) const PIXELS_A_PART: usize = 64 * 16;

/// Smallest probability whose logarithm is taken.
pub(super) const LEAST: f32 = 1e-7;

impl FocalLossParams {
    /// What is wanted of a class where the target says `wanted`.
    pub(super) fn smoothed(&self, wanted: f32) -> f32 {
        (1.0 - self.smoothing) * wanted + self.smoothing / self.classes as f32
    }
}

pub(super) fn focal_loss_stats(job: &Job<FocalLossParams>, [probabilities, wanted, mask, class_weights]: Inputs<4>, [sums]: Outputs<1>) {
    let FocalLossParams { pixels, parts, images, classes, gamma, .. } = job.params;
    let (probabilities, wanted) = (Planes::new(probabilities, classes, pixels), Planes::new(wanted, classes, pixels));
    let (masked, weighted) = (job.constant("MASKED") == 1, job.constant("WEIGHTED") == 1);
    let (pixels, parts) = (pixels as usize, parts as usize);
    let pairs = sums[..2 * images as usize * parts].as_chunks_mut::<2>().0.par_iter_mut().enumerate();
    pairs.with_min_len(items_a_task(PIXELS_A_PART)).for_each(|(part, pair)| {
        let (image, first) = (part / parts, part % parts * PIXELS_A_PART);
        let [mut loss, mut counted] = [0.0f64; 2];
        for pixel in first..pixels.min(first + PIXELS_A_PART) {
            if masked && mask[image * pixels + pixel] != 0.0 {
                continue;
            }
            for (c, (p, wanted)) in probabilities.of(image, pixel).zip(wanted.of(image, pixel)).enumerate() {
                // (`clamp` keeps NaN.)
                let (p, weight) = (p.clamp(LEAST, 1.0 - LEAST), if weighted { class_weights[c] } else { 1.0 });
                loss -= f64::from(weight * job.params.smoothed(wanted) * (1.0 - p).powf(gamma) * p.ln());
            }
            counted += 1.0;
        }
        *pair = [loss as f32, counted as f32];
    });
}
