//! Host twin of `cross_entropy_stats`: Σ Σ_c w_c·q_c·(−ln softmax_c) and Σ w_t over the counted pixels of runs of each image,
//! q_c = (1 − s)·[c = t] + s/classes. A counted pixel without a class gives NaN.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::classes::{Planes, class_of, class_sum};

params!(
    /// Pixels of an image, workgroups of an image, images, classes; share of a pixel's target that all classes divide.
    CrossEntropyParams for "cross_entropy_stats", "cross_entropy_grad_logits" {
        pixels: u32, parts: u32, images: u32, classes: u32, smoothing: f32
    }
);

/// Pixels behind one pair of sums, as many as a workgroup of the WGSL takes.
pub(crate) const PIXELS_A_PART: usize = 64 * 16;

impl CrossEntropyParams {
    /// Weight times wanted probability of a class at a pixel of class `target`.
    pub(super) fn weighted(&self, weights: Option<&[f32]>, class: usize, target: Option<usize>) -> f32 {
        let is_target = if target == Some(class) { 1.0 - self.smoothing } else { 0.0 };
        weights.map_or(1.0, |weights| weights[class]) * (self.smoothing / self.classes as f32 + is_target)
    }
}

pub(super) fn cross_entropy_stats(job: &Job<CrossEntropyParams>, [logits, wanted, mask, class_weights]: Inputs<4>, [sums]: Outputs<1>) {
    let CrossEntropyParams { pixels, parts, images, classes, .. } = job.params;
    let logits = Planes::new(logits, classes, pixels);
    let weights = (job.constant("WEIGHTED") == 1).then_some(class_weights);
    let (pixels, parts) = (pixels as usize, parts as usize);
    let pairs = sums[..2 * images as usize * parts].as_chunks_mut::<2>().0.par_iter_mut().enumerate();
    pairs.with_min_len(items_a_task(PIXELS_A_PART)).for_each(|(part, pair)| {
        let (image, first) = (part / parts, part % parts * PIXELS_A_PART);
        let [mut loss, mut weight] = [0.0f64; 2];
        for pixel in (first..pixels.min(first + PIXELS_A_PART)).filter(|pixel| mask[image * pixels + pixel] == 0.0) {
            let target = class_of(wanted[image * pixels + pixel], classes);
            let [largest, sum] = class_sum(logits.of(image, pixel));
            let log_sum = sum.ln();
            let terms = logits.of(image, pixel).enumerate();
            loss += terms.map(|(c, logit)| f64::from(job.params.weighted(weights, c, target) * ((largest - logit) + log_sum))).sum::<f64>();
            match target {
                Some(target) => weight += weights.map_or(1.0, |weights| f64::from(weights[target])),
                None => loss = f64::NAN,
            }
        }
        *pair = [loss as f32, weight as f32];
    });
}
