//! Storage buffers from a deterministic pool.
//!
//! A buffer goes back to its size class when its last handle is dropped, and the free buffer with the lowest id is taken first. What is
//! taken then depends on which buffers are free, not on the order in which they became free, so a repeated step takes the same buffers
//! and bind groups can be cached by buffer ids. Contents of a fresh buffer are unspecified.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::{Error, Result};

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

#[derive(Default)]
pub(super) struct Pool {
    free: BTreeMap<u64, BTreeMap<u64, wgpu::Buffer>>,
    next_id: u64,
    memory: MemoryUse,
}

impl Pool {
    pub(super) fn memory(&self) -> MemoryUse {
        self.memory
    }

    pub(super) fn reset_peak(&mut self) {
        self.memory.peak = self.memory.live;
    }
}

struct Inner {
    id: u64,
    raw: wgpu::Buffer,
    bytes: u64,
    pool: Rc<RefCell<Pool>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut pool = self.pool.borrow_mut();
        pool.memory.live -= self.bytes;
        pool.free.entry(self.bytes).or_default().insert(self.id, self.raw.clone());
    }
}

/// A storage buffer of float32 words; clones share it, and the last one gives it back to the pool.
#[derive(Clone)]
pub struct Buffer(Rc<Inner>);

impl Buffer {
    /// Identity of the underlying device buffer, the key of cached bind groups.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// True where no other handle shares it, so that it may be overwritten.
    pub fn is_unique(&self) -> bool {
        Rc::strong_count(&self.0) == 1
    }

    pub(super) fn raw(&self) -> &wgpu::Buffer {
        &self.0.raw
    }
}

/// Rounds up to one of four sizes an octave (at least 256 bytes), so that near sizes share buffers.
fn size_class(bytes: u64) -> u64 {
    let bytes = bytes.max(256);
    let step = ((bytes.next_power_of_two() / 2) / 4).max(256);
    bytes.div_ceil(step) * step
}

/// Takes a buffer of at least `words` float32 words from the pool, or from the driver.
pub(super) fn take(pool: &Rc<RefCell<Pool>>, device: &wgpu::Device, words: usize, limit: u64) -> Result<Buffer> {
    let needed = (words as u64).max(1).saturating_mul(4);
    if needed > limit {
        return Err(Error::OutOfMemory(format!(
            "one array of {} MiB is needed, but this device's kernels see at most {} MiB at once: use a smaller batch_size \
             (prediction_batch_size for maps) or img_size",
            needed >> 20,
            limit >> 20
        )));
    }
    let class = size_class(needed);
    let bytes = if class > limit { needed.div_ceil(16) * 16 } else { class };
    let recycled = pool.borrow_mut().free.get_mut(&bytes).and_then(BTreeMap::pop_first);
    let (id, raw) = match recycled {
        Some(found) => found,
        None => {
            let raw = create(device, bytes)?;
            let mut pool = pool.borrow_mut();
            pool.next_id += 1;
            pool.memory.allocated += bytes;
            (pool.next_id, raw)
        }
    };
    let mut state = pool.borrow_mut();
    state.memory.live += bytes;
    state.memory.peak = state.memory.peak.max(state.memory.live);
    drop(state);
    Ok(Buffer(Rc::new(Inner { id, raw, bytes, pool: pool.clone() })))
}

fn create(device: &wgpu::Device, bytes: u64) -> Result<wgpu::Buffer> {
    let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let raw = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: bytes,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    match pollster::block_on(scope.pop()) {
        None => Ok(raw),
        Some(error) => Err(Error::OutOfMemory(format!(
            "the device has no room for another {} MiB: use a smaller batch_size (prediction_batch_size for maps) or img_size ({error})",
            bytes >> 20
        ))),
    }
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
