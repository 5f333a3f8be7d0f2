//! Launcher of `weighted_mean`: a loss from the partial sums of weighted values and of weights. Shader: `shaders/weighted_mean.wgsl`.

use crate::error::Result;
use crate::gpu::shader::Variant;
use crate::gpu::{Cost, Kernel, Launch};
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
        kernel: Kernel::of(&WeightedMeanParams { parts: (sums.len() / 2) as u32 }),
        variant: Variant::default(),
        buffers: &[sums.buffer(), mean.buffer(), share.buffer()],
        groups: [1, 1, 1],
        cost: Cost::new(sums.len() as f64, sums.len()),
    })?;
    Ok((mean, share))
}
