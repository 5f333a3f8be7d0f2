//! Updates of a wide layer's weights, the norm that clips gradients, and the two ways of handing clipped gradients on.

use crate::bench::case::{Case, Job, noise, noisy};
use crate::bench::parts::{whole, wide};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu};
use crate::kernels::clip_grad_norm::{clip_gathered_grad_norm, clip_grad_norm, clip_grad_norm_scale};
use crate::kernels::optimizer::{Coefficients, Decay, EpsMode, adam, rmsprop, sgd};
use crate::reference::gradient_clipping::clip_grad_norm as norm_by_definition;
use crate::reference::optimizers::{self as definition, OptimizerAttrs};
use crate::tensor::Tensor;

const BY: Coefficients = Coefficients {
    learning_rate: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    eps_mode: EpsMode::Torch,
    weight_decay: 0.0,
    momentum: 0.9,
    alpha: 0.99,
};

/// Which update is timed, with moments that are zero.
#[derive(Clone, Copy)]
enum Rule {
    Adam,
    Sgd,
    RmsProp,
}

/// The first run takes a step; those that are timed take more.
fn update(gpu: &Gpu, len: usize, rule: Rule) -> Result<Job> {
    let ((p, before), (g, gradient)) = (noisy(gpu, 1, [len])?, noisy(gpu, 2, [len])?);
    let (m, v, scale) = (Tensor::full(gpu, [len], 0.0)?, Tensor::full(gpu, [len], 0.0)?, Tensor::full(gpu, [], 0.5)?);
    let attrs = OptimizerAttrs { lr: BY.learning_rate, weight_decay: BY.weight_decay };
    let expected = move |i: usize| {
        let (before, gradients) = ([before[i].into()], [vec![0.5 * f64::from(gradient[i])]]);
        match rule {
            Rule::Adam => definition::adam(&before, &gradients, &attrs, BY.betas, BY.eps)[0],
            Rule::Sgd => definition::sgd(&before, &gradients, &attrs, BY.momentum)[0],
            Rule::RmsProp => definition::rmsprop(&before, &gradients, &attrs, BY.alpha, BY.eps, BY.momentum)[0],
        }
    };
    let run = move || {
        match rule {
            Rule::Adam => adam(&p, &g, &scale, [&m, &v], 1, Decay::OfGradient, &BY),
            Rule::Sgd => sgd(&p, &g, &scale, &m, &BY),
            Rule::RmsProp => rmsprop(&p, &g, &scale, &v, &m, &BY),
        }?;
        Ok(p.clone())
    };
    Ok(Job::new(run, expected, 1e-6))
}

/// Gradients of `own` values each, of one norm.
fn gradients(gpu: &Gpu, count: u64, own: usize) -> Result<(Vec<Tensor>, Vec<Vec<f32>>)> {
    let values: Vec<Vec<f32>> = (0..count).map(|k| noise(k, own)).collect();
    Ok((values.iter().map(|values| Tensor::from_slice(gpu, [own], values)).collect::<Result<_>>()?, values))
}

/// 64 gradients, as many as a UNet has parameters.
fn norm(gpu: &Gpu, own: usize) -> Result<Job> {
    let (gradients, values) = gradients(gpu, 64, own)?;
    let expected = whole(move || vec![norm_by_definition(&values.iter().map(|v| wide(v)).collect::<Vec<_>>(), 1.0).1]);
    let run = move || clip_grad_norm(&gradients.iter().collect::<Vec<_>>(), 1.0).map(|(_, total_norm)| total_norm);
    Ok(Job::new(run, expected, 1e-5))
}

/// Those of small parameters are laid side by side on the way.
fn gathered(gpu: &Gpu, own: usize) -> Result<Job> {
    let (gradients, values) = gradients(gpu, 12, own)?;
    let pitch = own.next_multiple_of(Buffer::PART_ALIGNMENT);
    let all = Tensor::full(gpu, [12 * pitch], 0.0)?;
    let run = move || {
        let placed: Vec<_> = gradients.iter().enumerate().map(|(k, gradient)| (gradient, Some((&all, k * pitch)))).collect();
        clip_gathered_grad_norm(&placed, 1.0, 1.0)?;
        Ok(all.clone())
    };
    // What is between them is nobody's.
    Ok(Job::new(run, move |i| values[i / pitch].get(i % pitch).map_or(f64::NAN, |value| f64::from(*value)), 0.0))
}

fn scaled(gpu: &Gpu, len: usize) -> Result<Job> {
    let ((g, values), scale) = (noisy(gpu, 1, [len])?, Tensor::full(gpu, [], 0.5)?);
    Ok(Job::new(move || clip_grad_norm_scale(&g, &scale), move |i| 0.5 * f64::from(values[i]), 0.0))
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let len: usize = if large { 1 << 24 } else { 1 << 19 };
    vec![
        Case::new(format!("adam {len}"), move |gpu| update(gpu, len, Rule::Adam)),
        Case::new(format!("sgd {len}"), move |gpu| update(gpu, len, Rule::Sgd)),
        Case::new(format!("rmsprop {len}"), move |gpu| update(gpu, len, Rule::RmsProp)),
        Case::new(format!("clip_grad_norm 64 of {}", len / 64), move |gpu| norm(gpu, len / 64)),
        Case::new("clip_grad_norm_gather 12 of 500", |gpu| gathered(gpu, 500)),
        Case::new(format!("clip_grad_norm_scale {len}"), move |gpu| scaled(gpu, len)),
    ]
}
