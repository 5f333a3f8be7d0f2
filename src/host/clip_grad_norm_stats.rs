//! Host twin of `clip_grad_norm_stats`: sums of squares of runs of one gradient, written behind those of the gradients before it.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::lane_sums;

params!(
    /// Length, workgroups, and the first partial sum of this gradient.
    ClipGradNormStatsParams for "clip_grad_norm_stats" { len: u32, parts: u32, first: u32 }
);

/// Elements behind one partial sum, as many as a workgroup of the WGSL takes.
pub(crate) const VALUES_A_PART: usize = 64 * 16 * 4;

pub(super) fn clip_grad_norm_stats(job: &Job<ClipGradNormStatsParams>, [gradient]: Inputs<1>, [squares]: Outputs<1>) {
    let ClipGradNormStatsParams { len, parts, first } = job.params;
    let parts = squares[first as usize..][..parts as usize].par_iter_mut().zip(gradient[..len as usize].par_chunks(VALUES_A_PART));
    let parts = parts.with_min_len(items_a_task(VALUES_A_PART));
    parts.for_each(|(sum, values)| *sum = dispatch!(level(), simd => sum_of_squares(simd, values)));
}

#[simd]
pub(super) fn sum_of_squares<S: Simd>(simd: S, values: &[f32]) -> f32 {
    let [sum] = lane_sums(simd, [values], |[value]| [value * value]);
    sum
}
