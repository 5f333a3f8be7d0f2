//! Host twin of `dice_loss_grad_logits`: grad_logits_c = grad_loss·p_c·(g_c − Σ_k p_k·g_k), g_c = slopes_c.x·t_c + slopes_c.y·p_c,
//! p = softmax; 0 where a pixel is not counted.

use rayon::prelude::*;

use super::dice_loss_stats::DiceLossPixelParams;
use super::job::{Inputs, Job, Outputs};
use super::shared::classes::{Planes, class_of, class_sum, runs};
use super::shared::functions::exp;

pub(super) fn dice_loss_grad_logits(
    job: &Job<DiceLossPixelParams>,
    [logits, wanted, mask, slopes, grad_loss]: Inputs<5>,
    [grad_logits]: Outputs<1>,
) {
    let DiceLossPixelParams { pixels, images, classes, .. } = job.params;
    let (logits, slopes) = (Planes::new(logits, classes, pixels), slopes.as_chunks::<2>().0);
    runs(grad_logits, images, classes, pixels).into_par_iter().for_each(|mut run| {
        for k in 0..run.planes[0].len() {
            let (pixel, at) = (run.first + k, run.image * pixels as usize + run.first + k);
            if mask[at] != 0.0 {
                run.planes.iter_mut().for_each(|plane| plane[k] = 0.0);
                continue;
            }
            let target = class_of(wanted[at], classes);
            let [largest, sum] = class_sum(logits.of(run.image, pixel));
            // p_c and g_c, class by class.
            let terms = logits.of(run.image, pixel).enumerate().map(|(c, logit)| {
                let p = exp(logit - largest) / sum;
                [p, slopes[c][1] * p + if target == Some(c) { slopes[c][0] } else { 0.0 }]
            });
            let mean: f32 = terms.clone().map(|[p, g]| p * g).sum();
            run.planes.iter_mut().zip(terms).for_each(|(plane, [p, g])| plane[k] = grad_loss[0] * p * (g - mean));
        }
    });
}
