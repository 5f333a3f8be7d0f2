//! Host twin of `masked_loss_stats`: Σ e·(1 − mask) and Σ (1 − mask) of runs of each image, with d = pred − wanted and e = |d|, d², Huber's
//! cost, |d|^(1 + shape), or a quantile's. A NaN under the mask stays NaN.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::lane_sums;

params!(
    /// Packs of an image, workgroups of an image, images, and where Huber's cost becomes linear, which power is added, or which quantile is
    /// meant.
    MaskedLossPixelParams for "masked_loss_stats", "masked_loss_grad_pred" { packs: u32, parts: u32, images: u32, shape: f32 }
);

/// Packs behind one pair of sums, as many as a workgroup of the WGSL takes.
pub(crate) const PACKS_A_PART: usize = 64 * 16;

pub(super) fn masked_loss_stats(job: &Job<MaskedLossPixelParams>, [pred, wanted, mask]: Inputs<3>, [sums]: Outputs<1>) {
    let (parts, images) = (job.params.parts as usize, job.params.images as usize);
    let (image, run) = (job.elements(job.params.packs), job.elements(PACKS_A_PART as u32));
    let (kind, shape) = (job.constant("KIND"), job.params.shape);
    let pairs = sums[..2 * images * parts].as_chunks_mut::<2>().0.par_iter_mut().enumerate().with_min_len(items_a_task(run));
    pairs.for_each(|(part, pair)| {
        let (base, first) = (part / parts * image, part % parts * run);
        let maps = [pred, wanted, mask].map(|all| &all[base + first..base + (first + run).min(image)]);
        *pair = dispatch!(level(), simd => match kind {
            0 => distances(simd, maps),
            1 => squares(simd, maps),
            2 => hubers(simd, maps, shape),
            3 => powers(simd, maps, shape),
            _ => quantiles(simd, maps, shape),
        });
    });
}

#[simd]
fn distances<S: Simd>(simd: S, maps: [&[f32]; 3]) -> [f32; 2] {
    lane_sums(simd, maps, |[pred, wanted, mask]| {
        let keep = 1.0 - mask;
        [(pred - wanted).abs() * keep, keep]
    })
}

#[simd]
fn squares<S: Simd>(simd: S, maps: [&[f32]; 3]) -> [f32; 2] {
    lane_sums(simd, maps, |[pred, wanted, mask]| {
        let (error, keep) = (pred - wanted, 1.0 - mask);
        [error * error * keep, keep]
    })
}

#[simd]
fn hubers<S: Simd>(simd: S, maps: [&[f32]; 3], delta: f32) -> [f32; 2] {
    lane_sums(simd, maps, |[pred, wanted, mask]| {
        let (error, keep) = (pred - wanted, 1.0 - mask);
        let (square, line) = (0.5 * error * error, delta * (error.abs() - 0.5 * delta));
        [(if error.abs() <= delta { square } else { line }) * keep, keep]
    })
}

#[simd]
fn powers<S: Simd>(simd: S, maps: [&[f32]; 3], gamma: f32) -> [f32; 2] {
    lane_sums(simd, maps, |[pred, wanted, mask]| {
        let (error, keep) = ((pred - wanted).abs(), 1.0 - mask);
        [error * error.powf(gamma) * keep, keep]
    })
}

#[simd]
fn quantiles<S: Simd>(simd: S, maps: [&[f32]; 3], quantile: f32) -> [f32; 2] {
    lane_sums(simd, maps, |[pred, wanted, mask]| {
        let (error, keep) = (pred - wanted, 1.0 - mask);
        [(if error > 0.0 { (1.0 - quantile) * error } else { -quantile * error }) * keep, keep]
    })
}
