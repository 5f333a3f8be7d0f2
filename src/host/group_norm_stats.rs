//! Host twin of `group_norm_stats`: the statistics of its group and the weight and bias of its channel for every plane.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Planes of all images, channels and groups of one.
    GroupNormStatsParams for "group_norm_stats" { planes: u32, c: u32, groups: u32 }
);

pub(super) fn group_norm_stats(
    job: &Job<GroupNormStatsParams>,
    [of_groups, weight, bias]: Inputs<3>,
    [stats, weights, biases]: Outputs<3>,
) {
    let (planes, c) = (job.params.planes as usize, job.params.c as usize);
    let per_group = c / job.params.groups as usize;
    let (of_groups, stats) = (of_groups.as_chunks::<4>().0, stats.as_chunks_mut::<4>().0);
    for plane in 0..planes {
        stats[plane] = of_groups[plane / per_group];
        weights[plane] = weight[plane % c];
        biases[plane] = bias[plane % c];
    }
}
