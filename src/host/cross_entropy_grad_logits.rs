//! Host twin of `cross_entropy_grad_logits`: grad_logits_c = grad_loss·share·(softmax_c·Σ_k w_k·q_k − w_c·q_c), 0 where a pixel is not
//! counted.

use rayon::prelude::*;

use super::cross_entropy_stats::CrossEntropyParams;
use super::job::{Inputs, Job, Outputs};
use super::shared::classes::{Planes, class_of, class_sum, runs};
use super::shared::functions::exp;

pub(super) fn cross_entropy_grad_logits(
    job: &Job<CrossEntropyParams>,
    [logits, wanted, mask, class_weights, share, grad_loss]: Inputs<6>,
    [grad_logits]: Outputs<1>,
) {
    let CrossEntropyParams { pixels, images, classes, .. } = job.params;
    let logits = Planes::new(logits, classes, pixels);
    let weights = (job.constant("WEIGHTED") == 1).then_some(class_weights);
    let upstream = grad_loss[0] * share[0];
    runs(grad_logits, images, classes, pixels).into_par_iter().for_each(|mut run| {
        for k in 0..run.planes[0].len() {
            let (pixel, at) = (run.first + k, run.image * pixels as usize + run.first + k);
            if mask[at] != 0.0 {
                run.planes.iter_mut().for_each(|plane| plane[k] = 0.0);
                continue;
            }
            let target = class_of(wanted[at], classes);
            let [largest, sum] = class_sum(logits.of(run.image, pixel));
            let weighted = |c| job.params.weighted(weights, c, target);
            let all: f32 = (0..classes as usize).map(weighted).sum();
            for (c, (plane, logit)) in run.planes.iter_mut().zip(logits.of(run.image, pixel)).enumerate() {
                plane[k] = upstream * (exp(logit - largest) / sum * all - weighted(c));
            }
        }
    });
}
