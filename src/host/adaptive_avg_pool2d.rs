//! Host twin of `adaptive_avg_pool2d`: mean of every plane. Sums of runs are added up in f64, in order.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::sums::total;

params!(
    /// Planes, their length in packs, and 1/(h·w).
    AdaptiveAvgPool2dParams for "adaptive_avg_pool2d", "adaptive_avg_pool2d_grad_input" { planes: u32, plane: u32, inverse_count: f32 }
);

pub(super) fn adaptive_avg_pool2d(job: &Job<AdaptiveAvgPool2dParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let (planes, plane) = (job.params.planes as usize, job.elements(job.params.plane));
    let means = output[..planes].par_iter_mut().zip(input.par_chunks_exact(plane)).with_min_len(items_a_task(plane));
    means.for_each(|(mean, plane)| {
        *mean = total(std::iter::once(plane)) as f32 * job.params.inverse_count;
    });
}
