//! Launcher of `weighted_mean`: a loss from the partial sums of weighted values and of weights. Shader: `shaders/weighted_mean.wgsl`.

use crate::error::Result;
use crate::gpu::{Cost, Launch, Plan};
use crate::host::weighted_mean::WeightedMeanParams;
use crate::tensor::Tensor;

/// The mean, and the share in it of a value of weight 1; both 0 where the weights add up to 0.
///
/// # Shapes
/// `sums`: any number of pairs (weighted values, weights); both results `[]`.
///
/// # Errors
/// Out of memory.
pub fn weighted_mean(sums: &Tensor) -> Result<(Tensor, Tensor)> {
    let gpu = sums.gpu();
    let (mean, share) = (Tensor::empty(gpu, [])?, Tensor::empty(gpu, [])?);
    gpu.launch(&Launch {
        plan: Plan::new("weighted_mean", 1),
        params: &WeightedMeanParams { parts: (sums.len() / 2) as u32 },
        buffers: &[sums.buffer(), mean.buffer(), share.buffer()],
        cost: Cost::new(sums.len() as f64, sums.len()),
    })?;
    Ok((mean, share))
}
