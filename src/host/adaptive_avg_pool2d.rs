//! Host twin of `adaptive_avg_pool2d`: mean of every plane. Sums of runs are added up in f64, in order.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::lane_sums;

params!(
    /// Planes, their length in packs, and 1/(h·w).
    AdaptiveAvgPool2dParams for "adaptive_avg_pool2d", "adaptive_avg_pool2d_grad_input" { planes: u32, plane: u32, inverse_count: f32 }
);

/// Elements that are added in f32.
const RUN: usize = 4096;

pub(super) fn adaptive_avg_pool2d(job: &Job<AdaptiveAvgPool2dParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let (planes, plane) = (job.params.planes as usize, job.elements(job.params.plane));
    let means = output[..planes].par_iter_mut().zip(input.par_chunks_exact(plane)).with_min_len(items_a_task(plane));
    means.for_each(|(mean, plane)| {
        let total: f64 = plane.chunks(RUN).map(|run| f64::from(dispatch!(level(), simd => sum(simd, run)))).sum();
        *mean = total as f32 * job.params.inverse_count;
    });
}

#[simd]
fn sum<S: Simd>(simd: S, values: &[f32]) -> f32 {
    let [sum] = lane_sums(simd, [values], |term| term);
    sum
}
