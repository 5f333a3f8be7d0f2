//! Host twin of `batch_norm_stats_running`: the statistics of evaluation mode from the running ones.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Channels.
    BatchNormStatsRunningParams for "batch_norm_stats_running" { c: u32, eps: f32 }
);

pub(super) fn batch_norm_stats_running(
    job: &Job<BatchNormStatsRunningParams>,
    [running_mean, running_var]: Inputs<2>,
    [stats]: Outputs<1>,
) {
    let running = running_mean.iter().zip(running_var).take(job.params.c as usize);
    for (stats, (mean, var)) in stats.as_chunks_mut::<4>().0.iter_mut().zip(running) {
        *stats = [*mean, 0.0, 1.0 / (var + job.params.eps).sqrt(), 0.0];
    }
}
