//! How much memory a parser asks for: an allocator that counts by thread, and refuses what no file here can justify.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// A single request above this is refused, so that the process ends instead of the machine.
const MOST_AT_ONCE: usize = 4 << 30;

/// Counts what each thread holds.
pub struct Counting;

thread_local! {
    /// Bytes that this thread holds now, and the most it held since [`watch`].
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn add(bytes: usize) {
    // A thread that ends has no cell any more.
    let _ = HELD.try_with(|held| {
        let now = held.get().0.saturating_add(bytes);
        held.set((now, held.get().1.max(now)));
    });
}

fn take(bytes: usize) {
    let _ = HELD.try_with(|held| held.set((held.get().0.saturating_sub(bytes), held.get().1)));
}

// SAFETY: everything is handed on to the system's allocator; what is counted beside it does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > MOST_AT_ONCE {
            return std::ptr::null_mut();
        }
        add(layout.size());
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > MOST_AT_ONCE {
            return std::ptr::null_mut();
        }
        add(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        take(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > MOST_AT_ONCE {
            return std::ptr::null_mut();
        }
        take(layout.size());
        add(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What `work` returns, and the most bytes that this thread held during it beyond what it held before.
pub fn watch<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.with(|held| {
        let now = held.get().0;
        held.set((now, now));
        now
    });
    let done = work();
    (done, HELD.with(|held| held.get().1).saturating_sub(before))
}
