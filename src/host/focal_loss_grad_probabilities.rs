//! Host twin of `focal_loss_grad_probabilities`: grad_p_c = grad_loss·share·w_c·y_c·(γ·(1 − p_c)^(γ − 1)·ln p_c − (1 − p_c)^γ / p_c), 0
//! where p is clipped or NaN, or the pixel is not counted.

use rayon::prelude::*;

use super::focal_loss_stats::{FocalLossParams, LEAST};
use super::job::{Inputs, Job, Outputs};
use super::shared::classes::{Planes, runs};

pub(super) fn focal_loss_grad_probabilities(
    job: &Job<FocalLossParams>,
    [probabilities, wanted, mask, class_weights, share, grad_loss]: Inputs<6>,
    [grad_probabilities]: Outputs<1>,
) {
    let FocalLossParams { pixels, images, classes, gamma, .. } = job.params;
    let (probabilities, wanted) = (Planes::new(probabilities, classes, pixels), Planes::new(wanted, classes, pixels));
    let (masked, weighted) = (job.constant("MASKED") == 1, job.constant("WEIGHTED") == 1);
    let upstream = grad_loss[0] * share[0];
    runs(grad_probabilities, images, classes, pixels).into_par_iter().for_each(|mut run| {
        for k in 0..run.planes[0].len() {
            let pixel = run.first + k;
            let counts = !masked || mask[run.image * pixels as usize + pixel] == 0.0;
            let values = probabilities.of(run.image, pixel).zip(wanted.of(run.image, pixel));
            for (c, (plane, (p, wanted))) in run.planes.iter_mut().zip(values).enumerate() {
                let weight = if weighted { class_weights[c] } else { 1.0 };
                plane[k] = if counts && (LEAST..=1.0 - LEAST).contains(&p) {
                    let slope = gamma * (1.0 - p).powf(gamma - 1.0) * p.ln() - (1.0 - p).powf(gamma) / p;
                    upstream * weight * job.params.smoothed(wanted) * slope
                } else {
                    0.0
                };
            }
        }
    });
}
