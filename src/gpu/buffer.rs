//! Storage buffers from a deterministic pool.
//!
//! A buffer goes back to its size class when its last handle is dropped; the free buffer of the smallest class that will do, and in it the
//! one with the lowest id, is taken first. What is taken then depends on which buffers are free, not on the order in which they became
//! free, so a repeated step takes the same buffers and bind groups can be cached by buffer ids. Contents of a fresh buffer are unspecified.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::{Error, Result};
use crate::gpu::driver::Driver;
use crate::host;

/// Bytes on the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// In use by live buffers.
    pub live: u64,
    /// Largest value that `live` had.
    pub peak: u64,
    /// Allocated from the driver, live or waiting in the pool.
    pub allocated: u64,
}

/// Bytes at most: of what a kernel sees in one binding, and of a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) binding: u64,
    pub(super) buffer: u64,
}

/// What a buffer is made of; `None` stands for the memory that a planner only counts.
type Raw = Option<Memory>;

/// Memory of one of the drivers.
pub(super) enum Memory {
    Wgpu(wgpu::Buffer),
    Host(host::memory::Memory),
}

pub(super) struct Pool {
    free: BTreeMap<u64, BTreeMap<u64, Raw>>,
    next_id: u64,
    memory: MemoryUse,
    /// Percent of the bytes asked for that a free buffer may have in its place.
    reuse: u64,
}

impl Default for Pool {
    /// A pool that takes free buffers of up to half as much again: of the networks here none then holds more than with exact sizes.
    fn default() -> Self {
        Pool { free: BTreeMap::new(), next_id: 0, memory: MemoryUse::default(), reuse: 150 }
    }
}

impl Pool {
    pub(super) fn memory(&self) -> MemoryUse {
        self.memory
    }

    pub(super) fn reset_peak(&mut self) {
        self.memory.peak = self.memory.live;
    }

    pub(super) fn set_reuse(&mut self, percent: u64) {
        self.reuse = percent.max(100);
    }

    /// The smallest free buffer that has the bytes and not too many, with its id and bytes.
    fn recycle(&mut self, bytes: u64) -> Option<(u64, Raw, u64)> {
        let most = bytes.saturating_mul(self.reuse) / 100;
        self.free.range_mut(bytes..=most).find_map(|(&bytes, free)| free.pop_first().map(|(id, raw)| (id, raw, bytes)))
    }
}

struct Inner {
    id: u64,
    raw: Raw,
    bytes: u64,
    /// Bytes that a kernel sees of the whole, fewer where the pool had only a larger one.
    visible: u64,
    pool: Rc<RefCell<Pool>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut pool = self.pool.borrow_mut();
        pool.memory.live -= self.bytes;
        pool.free.entry(self.bytes).or_default().insert(self.id, self.raw.take());
    }
}

/// A storage buffer of float32 words, or a part of one; clones and parts share it, and the last one gives it back to the pool.
#[derive(Clone)]
pub struct Buffer {
    whole: Rc<Inner>,
    /// First byte and bytes of the part.
    first: u64,
    bytes: u64,
}

impl Buffer {
    /// Words that the first word of a [`Buffer::part`] is a multiple of: 256 bytes, which every device allows as an offset.
    pub const PART_ALIGNMENT: usize = 64;

    /// Identity of the underlying device buffer.
    pub fn id(&self) -> u64 {
        self.whole.id
    }

    /// True where no other handle shares it, so that it may be overwritten.
    pub fn is_unique(&self) -> bool {
        Rc::strong_count(&self.whole) == 1
    }

    /// Bytes that a kernel would see.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// `words` words from the word `first` on, and up to three more where the buffer has them, as kernels move four at a time; `None`
    /// where `first` is not aligned or the part leaves the buffer.
    pub fn part(&self, first: usize, words: usize) -> Option<Buffer> {
        let (from, bytes) = ((first as u64).checked_mul(4)?, (words as u64).checked_mul(4)?);
        let rest = self.bytes.checked_sub(from)?;
        let fits = first.is_multiple_of(Self::PART_ALIGNMENT) && (1..=rest).contains(&bytes);
        fits.then(|| Buffer { whole: self.whole.clone(), first: self.first + from, bytes: bytes.next_multiple_of(16).min(rest) })
    }

    /// The whole buffer and the word in it with which a part begins; `None` of a whole one.
    pub(crate) fn within(&self) -> Option<(Buffer, usize)> {
        let whole = Buffer { whole: self.whole.clone(), first: 0, bytes: self.whole.visible };
        (self.bytes != whole.bytes).then_some((whole, (self.first / 4) as usize))
    }

    /// What identifies a binding of it.
    pub(super) fn key(&self) -> (u64, u64, u64) {
        (self.whole.id, self.first, self.bytes)
    }

    /// The buffer of wgpu and the first byte in it.
    pub(super) fn wgpu(&self) -> Option<(&wgpu::Buffer, u64)> {
        match &self.whole.raw {
            Some(Memory::Wgpu(buffer)) => Some((buffer, self.first)),
            _ => None,
        }
    }

    pub(super) fn binding(&self) -> Option<wgpu::BindingResource<'_>> {
        let (buffer, offset) = self.wgpu()?;
        Some(wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: std::num::NonZeroU64::new(self.bytes) }))
    }

    /// The words of the host's memory.
    pub(super) fn span(&self) -> Option<host::memory::Span> {
        match &self.whole.raw {
            Some(Memory::Host(memory)) => Some(memory.span(self.first / 4, self.bytes / 4)),
            _ => None,
        }
    }
}

/// An array that no launch can take, not even image by image.
pub(super) fn too_large(what: &str, bytes: u64, limit: u64) -> Error {
    let message = format!("{what}: one array of {} MiB is needed, but this device takes at most {} MiB at once", bytes >> 20, limit >> 20);
    Error::Limit(message)
}

/// Rounds up to one of four sizes an octave (at least 256 bytes), so that near sizes share buffers.
fn size_class(bytes: u64) -> u64 {
    let bytes = bytes.max(256);
    let step = ((bytes.next_power_of_two() / 2) / 4).max(256);
    bytes.div_ceil(step) * step
}

/// Takes a buffer of at least `words` float32 words from the pool, or from the driver (a planner's without one).
pub(super) fn take(pool: &Rc<RefCell<Pool>>, driver: Option<&Driver>, words: usize, limits: Limits) -> Result<Buffer> {
    let needed = (words as u64).max(1).saturating_mul(4);
    if needed > limits.buffer {
        return Err(too_large("allocation", needed, limits.buffer));
    }
    let class = size_class(needed);
    // A whole buffer is to fit where its contents fit.
    let exceeds = |limit: u64| needed <= limit && class > limit;
    let bytes = if exceeds(limits.binding) || exceeds(limits.buffer) { needed.next_multiple_of(16) } else { class };
    let (recycled, visible) = (pool.borrow_mut().recycle(bytes), bytes);
    let (id, raw, bytes) = match recycled {
        Some(found) => found,
        None => {
            let raw = driver.map(|driver| driver.create(bytes)).transpose()?;
            let mut pool = pool.borrow_mut();
            pool.next_id += 1;
            pool.memory.allocated += bytes;
            (pool.next_id, raw, bytes)
        }
    };
    let mut state = pool.borrow_mut();
    state.memory.live += bytes;
    state.memory.peak = state.memory.peak.max(state.memory.live);
    drop(state);
    Ok(Buffer { whole: Rc::new(Inner { id, raw, bytes, visible, pool: pool.clone() }), first: 0, bytes: visible })
}

/// A device that has no more memory.
pub(super) fn no_room(bytes: u64, detail: &str) -> Error {
    Error::OutOfMemory(format!("the device has no room for another {} MiB{detail}", bytes >> 20))
}

#[cfg(test)]
mod tests {
    use super::size_class;

    #[test]
    fn size_classes_waste_at_most_a_quarter_and_never_shrink() {
        for bytes in [1, 255, 256, 257, 1000, 4096, 4097, 5000, 1 << 20, (1 << 20) + 1, 123_456_789] {
            let class = size_class(bytes);
            assert!(class >= bytes && class.is_multiple_of(256), "{bytes} -> {class}");
            assert!(bytes < 2048 || class as f64 <= bytes as f64 * 1.25 + 256.0, "{bytes} -> {class}");
            assert_eq!(size_class(class), class);
        }
    }
}
