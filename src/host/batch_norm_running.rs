//! Host twin of `batch_norm_running`: the running statistics moved towards those of a batch.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Channels, and the batch's share.
    BatchNormRunningParams for "batch_norm_running" { c: u32, momentum: f32 }
);

pub(super) fn batch_norm_running(
    job: &Job<BatchNormRunningParams>,
    [batch_mean, batch_var]: Inputs<2>,
    [running_mean, running_var]: Outputs<2>,
) {
    let BatchNormRunningParams { c, momentum } = job.params;
    let keep = 1.0 - momentum;
    for (running, batch) in [(running_mean, batch_mean), (running_var, batch_var)] {
        running.iter_mut().zip(batch).take(c as usize).for_each(|(running, batch)| *running = keep * *running + momentum * batch);
    }
}
