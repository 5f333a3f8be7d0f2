//! The memory of training steps by crops in a batch, with and without recomputing, found out on a device that only counts.

use std::rc::Rc;

use super::steps::{Plan, StepOptions, trainer};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::train;

/// Sizes of graphics cards, GiB.
pub const CARDS: [u64; 4] = [8, 12, 24, 80];

/// What the steps of one batch take.
#[derive(Debug, Clone)]
pub struct Needs {
    /// Crops in a batch.
    pub batch: usize,
    /// Whether activations are computed again instead of kept.
    pub recompute: bool,
    /// Bytes of the device's arrays, or why there is no such step.
    pub bytes: std::result::Result<u64, String>,
}

impl Needs {
    /// Whether a card of so many GiB holds it; a tenth of a card is left to its driver and the screen.
    pub fn fits(&self, gib: u64) -> bool {
        self.bytes.as_ref().is_ok_and(|bytes| *bytes <= (gib << 30) / 10 * 9)
    }
}

/// The needs of 1, 2, 4 and so on crops up to those of `options`, and of these.
///
/// # Errors
/// [`Error::Config`] for keys or a size that do not fit the network.
pub fn needs(gpu: &Gpu, options: &StepOptions) -> Result<Vec<Needs>> {
    let plan = Plan::new(options)?;
    let smaller = (0..usize::BITS).map(|power| 1 << power).take_while(|batch| *batch < options.batch);
    let variants = smaller.chain([options.batch]).flat_map(|batch| [(batch, false), (batch, true)]);
    variants.map(|(batch, recompute)| Ok(Needs { batch, recompute, bytes: bytes(gpu, plan.variant(batch, recompute))? })).collect()
}

/// Bytes of two steps: from the second on the optimizer has its state.
fn bytes(gpu: &Gpu, plan: Plan) -> Result<std::result::Result<u64, String>> {
    let plan = Rc::new(plan);
    let needed = train::least_memory(gpu, |planner| {
        let mut step = trainer(&plan, planner)?;
        step()?;
        step()?;
        Ok((planner.memory(), ()))
    });
    match needed {
        Ok(needed) => Ok(Ok(needed.memory.allocated)),
        // One crop alone may be too few for a norm, and many too large for a buffer.
        Err(error @ (Error::OutOfMemory(_) | Error::Limit(_) | Error::Shape { .. })) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}
