//! Host twin of `group_norm_grad_stats`: means over each group of weight·dz and of weight·dz·x̂.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Groups of all images, planes of each, and 1 over its elements.
    GroupNormGradStatsParams for "group_norm_grad_stats" { all: u32, planes: u32, inverse_count: f32 }
);

pub(super) fn group_norm_grad_stats(job: &Job<GroupNormGradStatsParams>, [products, sums, weights]: Inputs<3>, [means]: Outputs<1>) {
    let (all, planes) = (job.params.all as usize, job.params.planes as usize);
    for (group, mean) in means.as_chunks_mut::<2>().0.iter_mut().take(all).enumerate() {
        let own = group * planes..(group + 1) * planes;
        let weighted = |values: &[f32]| own.clone().map(|plane| weights[plane] * values[plane]).sum::<f32>();
        *mean = [sums, products].map(|values| weighted(values) * job.params.inverse_count);
    }
}
