//! Scratch memory kept by each thread, so that no launch allocates.

use std::cell::RefCell;

/// Words of a cache line. Scratch memory begins on one: a vector across two lines costs two loads.
const LINE: usize = 16;

thread_local! {
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `words` words of this thread's scratch memory with unspecified contents.
pub(crate) fn with_scratch<R>(words: usize, body: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut memory = SCRATCH.with_borrow_mut(|stack| stack.pop()).unwrap_or_default();
    if memory.len() < words + LINE {
        // Made anew, so that nothing old is copied.
        memory = vec![0.0; words + LINE];
    }
    let start = memory.as_ptr().align_offset(4 * LINE).min(LINE);
    let result = body(&mut memory[start..start + words]);
    SCRATCH.with_borrow_mut(|stack| stack.push(memory));
    result
}
