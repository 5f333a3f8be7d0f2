//! Open rasters by path, shared between threads: their pixels, mapped or decoded, stay within a budget; the least recently used go first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::raster::Raster;
use crate::error::Result;

/// Filled by the first thread that opens the file, while others that want it wait.
type Slot = Arc<Mutex<Option<Arc<Raster>>>>;

/// A file, and which of its bands where it may have several.
type Key = (PathBuf, Option<usize>);

#[derive(Debug)]
struct Entry {
    slot: Slot,
    bytes: usize,
    last_used: u64,
}

#[derive(Debug, Default)]
struct Entries {
    by_band: HashMap<Key, Entry>,
    clock: u64,
    bytes: usize,
}

/// A cache of opened rasters.
#[derive(Debug)]
pub struct RasterCache {
    budget: usize,
    entries: Mutex<Entries>,
}

/// A thread that panicked while it held a lock left nothing half-done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RasterCache {
    /// A cache that keeps at most `budget` bytes of pixels besides those in use.
    pub fn new(budget: usize) -> Self {
        RasterCache { budget, entries: Mutex::default() }
    }

    /// The raster of a file, or a band of it counted from 0, made by `open` at the first call.
    ///
    /// # Errors
    /// Those of `open`; a file that failed is tried again at the next call.
    pub fn get(&self, path: &Path, band: Option<usize>, open: impl FnOnce() -> Result<Raster>) -> Result<Arc<Raster>> {
        let key = (path.to_owned(), band);
        let slot = self.slot(&key);
        let mut filled = lock(&slot);
        if let Some(raster) = filled.as_ref() {
            return Ok(raster.clone());
        }
        let raster = Arc::new(open()?);
        *filled = Some(raster.clone());
        drop(filled);
        self.account(&key, raster.bytes());
        Ok(raster)
    }

    /// Lets go of the raster of a file, or of that band of it; those who hold it keep it.
    pub fn forget(&self, path: &Path, band: Option<usize>) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.by_band.remove(&(path.to_owned(), band)) {
            entries.bytes -= entry.bytes;
        }
    }

    fn slot(&self, key: &Key) -> Slot {
        let mut entries = lock(&self.entries);
        entries.clock += 1;
        let now = entries.clock;
        let entry = entries.by_band.entry(key.clone()).or_insert_with(|| Entry { slot: Slot::default(), bytes: 0, last_used: now });
        entry.last_used = now;
        entry.slot.clone()
    }

    /// Books the memory of a newly opened raster and lets go of the oldest others while the budget is exceeded.
    fn account(&self, key: &Key, bytes: usize) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.by_band.get_mut(key) {
            entry.bytes = bytes;
            entries.bytes += bytes;
        }
        while entries.bytes > self.budget {
            let others = entries.by_band.iter().filter(|(other, entry)| entry.bytes > 0 && *other != key);
            let Some(oldest) = others.min_by_key(|(_, entry)| entry.last_used).map(|(oldest, _)| oldest.clone()) else { break };
            if let Some(entry) = entries.by_band.remove(&oldest) {
                entries.bytes -= entry.bytes;
            }
        }
    }
}
