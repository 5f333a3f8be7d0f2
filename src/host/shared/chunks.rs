//! Arrays in chunks for elementwise kernels, whose values do not depend on how they are cut.

use rayon::prelude::*;

/// Words of a task: few enough to stay in a core's cache between passes, enough to hide what a task costs.
pub(crate) const CHUNK: usize = 16 * 1024;

/// Items of `words` words each that make a task.
pub(crate) fn items_a_task(words: usize) -> usize {
    (CHUNK / words.max(1)).max(1)
}

/// Copies an array.
pub(crate) fn copy(from: &[f32], to: &mut [f32]) {
    to.par_chunks_mut(4 * CHUNK).zip(from.par_chunks(4 * CHUNK)).for_each(|(to, from)| to.copy_from_slice(from));
}
