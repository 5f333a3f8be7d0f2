//! Launchers of `ceiling_copy` and `ceiling_fma`, which do nothing useful as fast as the device can: the measure of other kernels.
//! Shaders: `shaders/ceiling_copy.wgsl`, `shaders/ceiling_fma.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::shader::Variant;
use crate::gpu::{Cost, Gpu, Kernel, Launch, groups_1d};
use crate::host::ceiling_copy::CeilingCopyParams;
use crate::host::ceiling_fma::CeilingFmaParams;
pub use crate::host::ceiling_fma::{CHAINS, STEPS};
use crate::tensor::Tensor;

/// Copies `input` into `output`.
///
/// # Shapes
/// Any, of the same length.
///
/// # Errors
/// Lengths that differ.
pub fn ceiling_copy(input: &Tensor, output: &Tensor) -> Result<()> {
    if input.len() != output.len() {
        return Err(Error::shape("ceiling_copy", format!("{} cannot be copied into {}", input.shape(), output.shape())));
    }
    let packs = input.len().div_ceil(4);
    input.gpu().launch(&Launch {
        kernel: Kernel::of(&CeilingCopyParams { packs: packs as u32 }),
        variant: Default::default(),
        buffers: &[input.buffer(), output.buffer()],
        groups: groups_1d(packs.div_ceil(64)),
        cost: Cost::new(0.0, 2 * input.len()),
    })
}

/// Runs `rounds`·[`STEPS`] steps of a ← a·factor + term in [`CHAINS`] chains of each of `len` invocations.
///
/// # Shapes
/// Gives `[len]`: the sum of each invocation's chains, which begin at (invocation mod 64) + 0, 1, … 23.
///
/// On the host `isa` may be the number of one of [`instruction_sets`](crate::host::instruction_sets), to be used instead of the one in use.
///
/// # Errors
/// Out of memory.
pub fn ceiling_fma(gpu: &Gpu, len: usize, rounds: usize, [factor, term]: [f32; 2], isa: Option<usize>) -> Result<Tensor> {
    let output = Tensor::empty(gpu, [len])?;
    gpu.launch(&Launch {
        kernel: Kernel::of(&CeilingFmaParams { len: len as u32, rounds: rounds as u32, factor, term }),
        variant: Variant { consts: isa.map(|number| ("ISA", number as u32 + 1)).into_iter().collect(), scalar: false },
        buffers: &[output.buffer()],
        groups: groups_1d(len.div_ceil(64)),
        cost: Cost::new(2.0 * (len * rounds * STEPS * CHAINS) as f64, len),
    })?;
    Ok(output)
}
