//! An array that several tasks write at once, each its own elements, where these are not chunks one after the other.

use std::marker::PhantomData;

/// An array whose parts tasks take.
pub(crate) struct Parts<'a> {
    start: *mut f32,
    len: usize,
    borrowed: PhantomData<&'a mut [f32]>,
}

// SAFETY: the only access is `part`, whose callers keep the parts apart.
unsafe impl Sync for Parts<'_> {}
// SAFETY: as above; the array itself is borrowed.
unsafe impl Send for Parts<'_> {}

impl<'a> Parts<'a> {
    pub(crate) fn new(values: &'a mut [f32]) -> Self {
        Parts { start: values.as_mut_ptr(), len: values.len(), borrowed: PhantomData }
    }

    /// `len` words from `at` on.
    ///
    /// # Safety
    /// No two tasks hold overlapping parts.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, at: usize, len: usize) -> &mut [f32] {
        assert!(at <= self.len && len <= self.len - at, "a part of {len} words at {at} leaves an array of {}", self.len);
        // SAFETY: in bounds by the line above; apart from all others by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}
