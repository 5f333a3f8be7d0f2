//! Memory of buffers on the host: whole cache lines, zeroed by the system, shared by the handles of a buffer.

use std::ptr::NonNull;

/// Sixteen words that begin on a cache line: a vector across two lines costs two loads.
#[repr(C, align(64))]
#[derive(Clone, Copy, bytemuck::Zeroable)]
struct Line([f32; 16]);

/// Words of a [`Line`].
const LINE: usize = 16;

/// Memory of one buffer.
pub(crate) struct Memory {
    lines: NonNull<[Line]>,
}

impl Memory {
    /// At least `bytes` bytes, 0 at first; `None` where the system has no more.
    pub(crate) fn new(bytes: u64) -> Option<Memory> {
        let lines = usize::try_from(bytes).ok()?.div_ceil(size_of::<Line>());
        let lines = bytemuck::try_zeroed_slice_box::<Line>(lines).ok()?;
        NonNull::new(Box::into_raw(lines)).map(|lines| Memory { lines })
    }

    /// `words` words from the word `first` on, fewer where the memory ends before.
    pub(crate) fn span(&self, first: u64, words: u64) -> Span {
        let all = self.lines.len() * LINE;
        let first = usize::try_from(first).unwrap_or(all).min(all);
        let words = usize::try_from(words).unwrap_or(all).min(all - first);
        // SAFETY: `first` is within the allocation, or one past its end.
        Span { start: unsafe { self.lines.cast::<f32>().add(first) }, words }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a box in `new` and is freed once.
        drop(unsafe { Box::from_raw(self.lines.as_ptr()) });
    }
}

/// A part of a buffer's memory, not yet borrowed.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    start: NonNull<f32>,
    words: usize,
}

impl Span {
    /// True where both have a word in common.
    pub(crate) fn overlaps(&self, other: &Span) -> bool {
        let ends = |span: &Span| (span.start.addr().get(), span.start.addr().get() + 4 * span.words);
        let ((a, a_end), (b, b_end)) = (ends(self), ends(other));
        a < b_end && b < a_end
    }

    /// The words.
    ///
    /// # Safety
    /// The memory lives as long as the slice, and nobody writes to it meanwhile.
    pub(crate) unsafe fn as_slice<'a>(self) -> &'a [f32] {
        // SAFETY: within one allocation of initialised words; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }

    /// The words, to be written.
    ///
    /// # Safety
    /// The memory lives as long as the slice, and nobody else reads or writes it meanwhile.
    pub(crate) unsafe fn as_slice_mut<'a>(self) -> &'a mut [f32] {
        // SAFETY: within one allocation of initialised words; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.words) }
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn spans_stay_inside_and_know_their_overlap() {
        let memory = Memory::new(100).unwrap();
        let whole = memory.span(0, 1 << 40);
        // SAFETY: the memory lives on, and nobody writes to it.
        assert_eq!(unsafe { whole.as_slice() }, [0.0; 32]);
        let (head, tail, nothing) = (memory.span(0, 16), memory.span(16, 16), memory.span(99, 1));
        assert!(whole.overlaps(&head) && !head.overlaps(&tail) && !whole.overlaps(&nothing));
    }
}
