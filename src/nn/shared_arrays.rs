//! Small parameters side by side in arrays, so that an optimizer updates many with one launch; large ones have an array of their own, as
//! their update takes longer than a launch does.

use crate::error::Result;
use crate::gpu::{Buffer, Gpu};
use crate::tensor::{Shape, Tensor};

/// Values of a small parameter at most: 256 KiB.
const SMALL: usize = 1 << 16;
/// Values of the first array, so that a small network takes no more than it needs.
const FIRST: usize = 1 << 12;
/// Each further array is so many times as large as the one before,
const GROWTH: usize = 4;
/// up to these values: 1 MiB, of which the last array may leave most unused.
const MOST: usize = 1 << 18;

/// Where the next small parameter goes.
#[derive(Default)]
pub(super) struct SharedArrays {
    /// The last array and how many of its values are taken.
    last: Option<(Tensor, usize)>,
}

impl SharedArrays {
    /// A tensor of this shape with unspecified values; between it and the next one in its array there are zeros.
    ///
    /// # Errors
    /// Out of memory.
    pub(super) fn tensor(&mut self, gpu: &Gpu, shape: Shape) -> Result<Tensor> {
        let own = shape.len().next_multiple_of(Buffer::PART_ALIGNMENT);
        let visible = usize::try_from(gpu.capabilities().max_binding_bytes / 4).unwrap_or(MOST);
        let most = MOST.min(visible / Buffer::PART_ALIGNMENT * Buffer::PART_ALIGNMENT);
        if own == 0 || own > SMALL.min(most) {
            return Tensor::empty(gpu, shape);
        }
        let (array, first) = match self.last.take() {
            Some((array, first)) if first + own <= array.len() => (array, first),
            full => {
                let next = full.map_or(FIRST, |(array, _)| GROWTH * array.len()).max(own);
                (Tensor::full(gpu, [next.min(most)], 0.0)?, 0)
            }
        };
        let tensor = array.part(first, shape)?;
        self.last = Some((array, first + own));
        Ok(tensor)
    }
}
