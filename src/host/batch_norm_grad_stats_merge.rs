//! Host twin of `batch_norm_grad_stats_merge`: the chunks of every channel added in order.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Channels and chunks of each.
    BatchNormGradStatsMergeParams for "batch_norm_grad_stats_merge" { c: u32, chunks: u32 }
);

pub(super) fn batch_norm_grad_stats_merge(
    job: &Job<BatchNormGradStatsMergeParams>,
    [partial_weight, partial_bias]: Inputs<2>,
    [grad_weight, grad_bias]: Outputs<2>,
) {
    let (c, chunks) = (job.params.c as usize, job.params.chunks as usize);
    let add = |partial: &[f32], sums: &mut [f32]| {
        let parts = partial.chunks_exact(chunks).take(c);
        sums.iter_mut().zip(parts).for_each(|(sum, parts)| *sum = parts.iter().sum());
    };
    add(partial_weight, grad_weight);
    add(partial_bias, grad_bias);
}
