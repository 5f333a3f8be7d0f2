//! Launcher of `sum_partials`: partial results of a split reduction added in order. Shader: `shaders/sum_partials.wgsl`.

use crate::error::Result;
use crate::gpu::{Cost, Launch, Plan};
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
        plan: Plan::each("sum_partials", len),
        params: &SumPartialsParams { parts: parts as u32, len: len as u32 },
        buffers: &[partials.buffer(), output.buffer()],
        cost: Cost::new((parts * len) as f64, (parts + 1) * len),
    })?;
    Ok(output)
}
