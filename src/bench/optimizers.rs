//! Updates of a wide layer's weights, and the norm that clips gradients.

use crate::bench::case::{Case, Job, noise, noisy};
use crate::bench::parts::{whole, wide};
use crate::kernels::clip_grad_norm::clip_grad_norm;
use crate::kernels::optimizer::{Coefficients, Decay, EpsMode, adam};
use crate::reference::gradient_clipping::clip_grad_norm as norm_by_definition;
use crate::reference::optimizers::{OptimizerAttrs, adam as adam_by_definition};
use crate::tensor::Tensor;

const BY: Coefficients = Coefficients {
    learning_rate: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    eps_mode: EpsMode::Torch,
    weight_decay: 0.0,
    momentum: 0.0,
    alpha: 0.0,
};

pub(super) fn cases(large: bool) -> Vec<Case> {
    let len: usize = if large { 1 << 24 } else { 1 << 19 };
    let update = Case::new(format!("adam {len}"), move |gpu| {
        let ((p, before), (g, gradient)) = (noisy(gpu, 1, [len])?, noisy(gpu, 2, [len])?);
        let (m, v, scale) = (Tensor::full(gpu, [len], 0.0)?, Tensor::full(gpu, [len], 0.0)?, Tensor::full(gpu, [], 0.5)?);
        let attrs = OptimizerAttrs { lr: BY.learning_rate, weight_decay: BY.weight_decay };
        let expected = move |i: usize| {
            let gradients = [vec![0.5 * f64::from(gradient[i])]];
            adam_by_definition(&[before[i].into()], &gradients, &attrs, BY.betas, BY.eps)[0]
        };
        Ok(Job::new(move || adam(&p, &g, &scale, [&m, &v], 1, Decay::OfGradient, &BY).map(|()| p.clone()), expected, 1e-6))
    });
    // 64 gradients, as many as a UNet has parameters.
    let norm = Case::new(format!("clip_grad_norm 64 of {}", len / 64), move |gpu| {
        let own = len / 64;
        let values: Vec<Vec<f32>> = (0..64).map(|k| noise(k, own)).collect();
        let gradients = values.iter().map(|v| Tensor::from_slice(gpu, [own], v)).collect::<crate::error::Result<Vec<_>>>()?;
        let expected = whole(move || vec![norm_by_definition(&values.iter().map(|v| wide(v)).collect::<Vec<_>>(), 1.0).1]);
        let run = move || clip_grad_norm(&gradients.iter().collect::<Vec<_>>(), 1.0).map(|(_, total_norm)| total_norm);
        Ok(Job::new(run, expected, 1e-5))
    });
    vec![update, norm]
}
