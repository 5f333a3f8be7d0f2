//! The running statistics moved towards those of a batch, and the statistics of evaluation that follow from them.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Gpu, Launch, Plan};
use crate::host::batch_norm_running::BatchNormRunningParams;
use crate::host::batch_norm_stats_running::BatchNormStatsRunningParams;
use crate::kernels::planes::GROUP;
use crate::tensor::Tensor;

/// What one batch does to the running statistics of one layer; all `[c]`.
#[derive(Clone)]
pub struct RunningUpdate {
    /// Running means, moved in place.
    pub running_mean: Tensor,
    /// Running variances, moved in place.
    pub running_var: Tensor,
    /// Means of the batch.
    pub batch_mean: Tensor,
    /// Unbiased variances of the batch.
    pub batch_var: Tensor,
    /// Share of the batch.
    pub momentum: f32,
}

/// running = (1 − momentum)·running + momentum·batch, in place.
///
/// # Errors
/// Shapes that differ; those of the device.
pub fn batch_norm_running(update: &RunningUpdate) -> Result<()> {
    let RunningUpdate { running_mean, running_var, batch_mean, batch_var, momentum } = update;
    let shape = running_mean.shape();
    for (name, tensor) in [("running_var", running_var), ("batch_mean", batch_mean), ("batch_var", batch_var)] {
        if tensor.shape() != shape || tensor.is_empty() {
            let message = format!("{name} has shape {}, and running_mean {shape}; one value a channel was expected", tensor.shape());
            return Err(Error::shape("batch_norm_running", message));
        }
    }
    let c = running_mean.len();
    running_mean.gpu().launch(&Launch {
        plan: Plan::new("batch_norm_running", c.div_ceil(GROUP)),
        params: &BatchNormRunningParams { c: c as u32, momentum: *momentum },
        buffers: &[batch_mean, batch_var, running_mean, running_var].map(Tensor::buffer),
        cost: Cost::new(6.0 * c as f64, 6 * c),
    })
}

/// Statistics of evaluation mode, in the form of [`super::batch_norm_stats`].
///
/// # Shapes
/// running_mean and running_var `[c]`; gives `[c, 4]`.
///
/// # Errors
/// Shapes that differ; out of memory.
pub fn batch_norm_stats_running(gpu: &Gpu, running_mean: &Tensor, running_var: &Tensor, eps: f32) -> Result<Tensor> {
    if running_mean.shape() != running_var.shape() || running_mean.is_empty() {
        let message = format!("running_mean {} and running_var {} differ or are empty", running_mean.shape(), running_var.shape());
        return Err(Error::shape("batch_norm", message));
    }
    let c = running_mean.len();
    let stats = Tensor::empty(gpu, [c, 4])?;
    gpu.launch(&Launch {
        plan: Plan::new("batch_norm_stats_running", c.div_ceil(GROUP)),
        params: &BatchNormStatsRunningParams { c: c as u32, eps },
        buffers: &[running_mean.buffer(), running_var.buffer(), stats.buffer()],
        cost: Cost::new(3.0 * c as f64, 6 * c),
    })?;
    Ok(stats)
}
