//! Statistics of a batch from what the convolution before left of them: count, mean and sum of squared deviations of the values that each
//! of its invocations stored.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::kernels::batch_norm::{BatchStats, merge};
use crate::kernels::params;
use crate::tensor::Tensor;

params!(
    /// Channels, and parts of each.
    BatchNormStatsGatherParams for "batch_norm_stats_gather" { c: u32, chunks: u32 }
);

/// Statistics of a batch, of which a convolution left `moments`.
///
/// # Shapes
/// moments `[c, chunks, 4]`: (count, mean − shift, sum of squared deviations, shift).
///
/// # Errors
/// Other shapes; out of memory.
pub fn batch_norm_stats_of_moments(moments: &Tensor, eps: f32) -> Result<BatchStats> {
    let &[c, chunks, 4] = moments.shape().dims() else {
        return Err(Error::shape("batch_norm", format!("moments have shape {}, expected [c, chunks, 4]", moments.shape())));
    };
    let gpu = moments.gpu();
    let parts = Tensor::empty(gpu, [c, 4])?;
    gpu.launch(&Launch {
        plan: Plan::new("batch_norm_stats_gather", c),
        params: &BatchNormStatsGatherParams { c: c as u32, chunks: chunks as u32 },
        buffers: &[moments.buffer(), parts.buffer()],
        cost: Cost::new(10.0 * (c * chunks) as f64, 4 * c * (chunks + 1)),
    })?;
    merge(&parts, c, eps)
}
