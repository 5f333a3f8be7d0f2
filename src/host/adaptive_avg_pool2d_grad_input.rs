//! Host twin of `adaptive_avg_pool2d_grad_input`: grad_input = grad_output / (h·w) in all of the plane.

use rayon::prelude::*;

use super::adaptive_avg_pool2d::AdaptiveAvgPool2dParams;
use super::job::{Inputs, Job, Outputs};
use super::shared::chunks::items_a_task;

pub(super) fn adaptive_avg_pool2d_grad_input(job: &Job<AdaptiveAvgPool2dParams>, [grad_output]: Inputs<1>, [grad_input]: Outputs<1>) {
    let (planes, plane) = (job.params.planes as usize, job.elements(job.params.plane));
    let planes = grad_output[..planes].par_iter().zip(grad_input.par_chunks_exact_mut(plane)).with_min_len(items_a_task(plane));
    planes.for_each(|(&gradient, plane)| plane.fill(gradient * job.params.inverse_count));
}
