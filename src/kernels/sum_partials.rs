//! Launcher of `sum_partials`: partial results of a split reduction added in order. Shader: `shaders/sum_partials.wgsl`.

use crate::error::Result;
use crate::gpu::{Cost, Kernel, Launch, groups_1d};
use crate::host::sum_partials::SumPartialsParams;
use crate::tensor::{Shape, Tensor};

/// y[i] = Σ_p partials[p, i], under the shape `shape`.
///
/// # Shapes
/// partials: parts × the elements of `shape`.
///
/// # Errors
/// Out of memory.
pub(crate) fn sum_partials(partials: &Tensor, parts: usize, shape: &Shape) -> Result<Tensor> {
    if parts == 1 {
        return partials.reshaped(shape);
    }
    let output = Tensor::empty(partials.gpu(), shape)?;
    let len = output.len();
    partials.gpu().launch(&Launch {
        kernel: Kernel::of(&SumPartialsParams { parts: parts as u32, len: len as u32 }),
        variant: Default::default(),
        buffers: &[partials.buffer(), output.buffer()],
        groups: groups_1d(len.div_ceil(64)),
        cost: Cost::new((parts * len) as f64, (parts + 1) * len),
    })?;
    Ok(output)
}
