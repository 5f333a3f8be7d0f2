//! Host twin of `masked_loss_stats`: Σ e·(1 − mask) and Σ (1 − mask) of runs of each image, e = |pred − wanted| or (pred − wanted)².
//! A NaN under the mask stays NaN.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::lane_sums;

params!(
    /// Packs of an image, workgroups of an image, images.
    MaskedLossPixelParams for "masked_loss_stats", "masked_loss_grad_pred" { packs: u32, parts: u32, images: u32 }
);

/// Packs behind one pair of sums, as many as a workgroup of the WGSL takes.
pub(crate) const PACKS_A_PART: usize = 64 * 16;

pub(super) fn masked_loss_stats(job: &Job<MaskedLossPixelParams>, [pred, wanted, mask]: Inputs<3>, [sums]: Outputs<1>) {
    let (parts, images) = (job.params.parts as usize, job.params.images as usize);
    let (image, run) = (job.elements(job.params.packs), job.elements(PACKS_A_PART as u32));
    let squared = job.constant("KIND") == 1;
    let pairs = sums[..2 * images * parts].as_chunks_mut::<2>().0.par_iter_mut().enumerate().with_min_len(items_a_task(run));
    pairs.for_each(|(part, pair)| {
        let (base, first) = (part / parts * image, part % parts * run);
        let [pred, wanted, mask] = [pred, wanted, mask].map(|all| &all[base + first..base + (first + run).min(image)]);
        *pair = dispatch!(level(), simd => if squared { squares(simd, pred, wanted, mask) } else { distances(simd, pred, wanted, mask) });
    });
}

#[simd]
fn distances<S: Simd>(simd: S, pred: &[f32], wanted: &[f32], mask: &[f32]) -> [f32; 2] {
    lane_sums(simd, [pred, wanted, mask], |[pred, wanted, mask]| {
        let keep = 1.0 - mask;
        [(pred - wanted).abs() * keep, keep]
    })
}

#[simd]
fn squares<S: Simd>(simd: S, pred: &[f32], wanted: &[f32], mask: &[f32]) -> [f32; 2] {
    lane_sums(simd, [pred, wanted, mask], |[pred, wanted, mask]| {
        let (error, keep) = (pred - wanted, 1.0 - mask);
        [error * error * keep, keep]
    })
}
