//! Host twin of `masked_loss_grad_pred`: grad_pred = grad_loss · share[image] · (1 − mask) · slope, d = pred − wanted and slope = sign(d),
//! 2d, d clamped to ±shape (Huber), (1 + shape)·|d|^shape·sign(d), or 1 − shape above 0 and −shape below (pinball);
//! sign(0) = sign(NaN) = 0.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::masked_loss_stats::MaskedLossPixelParams;
use super::shared::chunks::{CHUNK, items_a_task};
use super::shared::level::level;

pub(super) fn masked_loss_grad_pred(
    job: &Job<MaskedLossPixelParams>,
    [pred, wanted, mask, share, grad_loss]: Inputs<5>,
    [grad_pred]: Outputs<1>,
) {
    let (image, images) = (job.elements(job.params.packs), job.params.images as usize);
    let (kind, shape, reduced) = (job.constant("KIND"), job.params.shape, job.constant("REDUCED") == 1);
    let all = grad_pred[..images * image].par_chunks_exact_mut(image).enumerate().with_min_len(items_a_task(image));
    all.for_each(|(i, grad_pred)| {
        let upstream = grad_loss[if reduced { 0 } else { i }] * share[i];
        let [pred, wanted, mask] = [pred, wanted, mask].map(|all| all[i * image..][..image].par_chunks(CHUNK));
        grad_pred.par_chunks_mut(CHUNK).zip(pred).zip(wanted).zip(mask).for_each(|(((grad_pred, pred), wanted), mask)| {
            dispatch!(level(), simd => match kind {
                0 => of_distances(simd, upstream, pred, wanted, mask, grad_pred),
                1 => of_squares(simd, upstream, pred, wanted, mask, grad_pred),
                2 => of_hubers(simd, (upstream, shape), pred, wanted, mask, grad_pred),
                3 => of_powers(simd, (upstream, shape), pred, wanted, mask, grad_pred),
                _ => of_quantiles(simd, (upstream, shape), pred, wanted, mask, grad_pred),
            })
        });
    });
}

#[simd]
fn of_distances<S: Simd>(_: S, upstream: f32, pred: &[f32], wanted: &[f32], mask: &[f32], grad_pred: &mut [f32]) {
    for (((gradient, p), t), m) in grad_pred.iter_mut().zip(pred).zip(wanted).zip(mask) {
        let error = p - t;
        let sign = if error > 0.0 { 1.0 } else { 0.0 } - if error < 0.0 { 1.0 } else { 0.0 };
        *gradient = upstream * (1.0 - m) * sign;
    }
}

#[simd]
fn of_squares<S: Simd>(_: S, upstream: f32, pred: &[f32], wanted: &[f32], mask: &[f32], grad_pred: &mut [f32]) {
    for (((gradient, p), t), m) in grad_pred.iter_mut().zip(pred).zip(wanted).zip(mask) {
        *gradient = upstream * (1.0 - m) * (2.0 * (p - t));
    }
}

#[simd]
fn of_hubers<S: Simd>(_: S, (upstream, delta): (f32, f32), pred: &[f32], wanted: &[f32], mask: &[f32], grad_pred: &mut [f32]) {
    for (((gradient, p), t), m) in grad_pred.iter_mut().zip(pred).zip(wanted).zip(mask) {
        let error = p - t;
        let below = if error < -delta { -delta } else { error };
        *gradient = upstream * (1.0 - m) * if error > delta { delta } else { below };
    }
}

#[simd]
fn of_powers<S: Simd>(_: S, (upstream, gamma): (f32, f32), pred: &[f32], wanted: &[f32], mask: &[f32], grad_pred: &mut [f32]) {
    for (((gradient, p), t), m) in grad_pred.iter_mut().zip(pred).zip(wanted).zip(mask) {
        let error = p - t;
        *gradient = upstream * (1.0 - m) * ((1.0 + gamma) * error.abs().powf(gamma).copysign(error));
    }
}

#[simd]
fn of_quantiles<S: Simd>(_: S, (upstream, quantile): (f32, f32), pred: &[f32], wanted: &[f32], mask: &[f32], grad_pred: &mut [f32]) {
    for (((gradient, p), t), m) in grad_pred.iter_mut().zip(pred).zip(wanted).zip(mask) {
        let error = p - t;
        let slope = if error > 0.0 { 1.0 - quantile } else { 0.0 } - if error < 0.0 { quantile } else { 0.0 };
        *gradient = upstream * (1.0 - m) * slope;
    }
}
