//! Host twin of `masked_metrics`: confusion counts, Σ|e|, Σe², and mean, Σ(t − t̄)² and extremes of the target of runs of each image.
//! The mean of a run's target is its first valid value and what is above that, and squares are taken about that value, so that an
//! offset does not cancel; a NaN prediction is 0.

use std::array::from_fn;

use fearless_simd::{Simd, dispatch, f32x16, prelude::*};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

params!(
    /// Packs of an image, workgroups of an image, images, and the threshold.
    MaskedMetricsParams for "masked_metrics" { packs: u32, parts: u32, images: u32, threshold: f32 }
);

/// Packs of a run, as many as a workgroup of the WGSL takes.
pub(crate) const PACKS_A_PART: usize = 64 * 16;
/// Words of a run's results.
pub(crate) const WORDS: usize = 12;
/// Values taken at once, on every instruction set.
const LANES: usize = 16;
/// Bounds of the extremes, where nothing is valid.
const EXTREME: f32 = 3.4e38;

pub(super) fn masked_metrics(job: &Job<MaskedMetricsParams>, [pred, wanted, mask]: Inputs<3>, [tallies]: Outputs<1>) {
    let (parts, images) = (job.params.parts as usize, job.params.images as usize);
    let (image, run) = (job.elements(job.params.packs), job.elements(PACKS_A_PART as u32));
    let tallies = tallies[..WORDS * images * parts].as_chunks_mut::<WORDS>().0;
    tallies.par_iter_mut().enumerate().with_min_len(items_a_task(run)).for_each(|(part, words)| {
        let (base, first) = (part / parts * image, part % parts * run);
        let [pred, wanted, mask] = [pred, wanted, mask].map(|all| &all[base + first..base + (first + run).min(image)]);
        *words = dispatch!(level(), simd => tally(simd, pred, wanted, mask, job.params.threshold));
    });
}

/// A run's words; counts as the bits of u32.
#[simd]
fn tally<S: Simd>(simd: S, pred: &[f32], wanted: &[f32], mask: &[f32], threshold: f32) -> [f32; WORDS] {
    let splat = |value| f32x16::splat(simd, value);
    let first = mask.iter().zip(wanted).find(|(mask, _)| **mask == 0.0).map_or(0.0, |(_, first)| *first);
    let (threshold, about, zero) = (splat(threshold), splat(first), splat(0.0));
    let mut counts = [0; 5];
    let [mut distances, mut squares, mut above, mut above_squares] = [zero; 4];
    let (mut low, mut high) = (splat(EXTREME), splat(-EXTREME));
    for ((p, t), m) in pred.chunks(LANES).zip(wanted.chunks(LANES)).zip(mask.chunks(LANES)) {
        // Lanes past the end are hidden.
        let (p, t, valid) = (lanes(simd, p, 0.0), lanes(simd, t, 0.0), lanes(simd, m, 1.0).simd_eq(zero));
        let nan = p.is_nan();
        let p = nan.select(zero, p);
        let (predicted, positive) = (p.simd_gt(threshold), t.simd_gt(threshold));
        let masks = [valid, valid & predicted & positive, valid & predicted & !positive, valid & !predicted & positive, valid & nan];
        counts = from_fn(|k| counts[k] + masks[k].to_bitmask().count_ones());
        let (error, more) = (valid.select(p - t, zero), valid.select(t - about, zero));
        distances += error.abs();
        squares += error * error;
        above += more;
        above_squares += more * more;
        low = low.min(valid.select(t, splat(EXTREME)));
        high = high.max(valid.select(t, splat(-EXTREME)));
    }
    let [distances, squares, above, above_squares] = [distances, squares, above, above_squares].map(|lanes| lanes.as_slice().iter().sum());
    let mean_above: f32 = above / counts[0].max(1) as f32;
    let spread: f32 = above_squares - above * mean_above;
    // Not `max`, which would hide a target that is NaN.
    let spread = if spread < 0.0 { 0.0 } else { spread };
    let (low, high) = (low.as_slice().iter().copied().fold(EXTREME, f32::min), high.as_slice().iter().copied().fold(-EXTREME, f32::max));
    let [valid, hits, false_alarms, misses, nans] = counts.map(f32::from_bits);
    [valid, hits, false_alarms, misses, nans, distances, squares, first, mean_above, spread, low, high]
}

/// Up to a vector of values, the rest filled.
#[inline(always)]
fn lanes<S: Simd>(simd: S, values: &[f32], filler: f32) -> f32x16<S> {
    if values.len() == LANES {
        return f32x16::from_slice(simd, values);
    }
    let mut padded = [filler; LANES];
    padded[..values.len()].copy_from_slice(values);
    f32x16::from_slice(simd, &padded)
}
