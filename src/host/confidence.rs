//! Host twin of `confidence`: 1 − H / ln classes, H = −Σ_c q_c·ln q_c, q = p clipped to [1e-6, 1 − 1e-6]; NaN stays NaN.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::classes::Planes;

params!(
    /// Pixels of an image, workgroups of an image, images, classes.
    ConfidenceParams for "confidence" { pixels: u32, parts: u32, images: u32, classes: u32 }
);

const LEAST: f32 = 1e-6;

pub(super) fn confidence(job: &Job<ConfidenceParams>, [probabilities]: Inputs<1>, [output]: Outputs<1>) {
    let ConfidenceParams { pixels, images, classes, .. } = job.params;
    let probabilities = Planes::new(probabilities, classes, pixels);
    let (pixels, most) = (pixels as usize, f64::from(classes).ln());
    output[..images as usize * pixels].par_iter_mut().enumerate().with_min_len(CHUNK / 8).for_each(|(at, value)| {
        let clipped = probabilities.of(at / pixels, at % pixels).map(|p| f64::from(p.clamp(LEAST, 1.0 - LEAST)));
        *value = (1.0 + clipped.map(|q| q * q.ln()).sum::<f64>() / most) as f32;
    });
}
