//! Open rasters by path, shared between threads: mappings are kept, decoded pixels within a budget, the least recently used go first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::raster::Raster;
use crate::error::Result;

/// Filled by the first thread that opens the file, while others that want it wait.
type Slot = Arc<Mutex<Option<Arc<Raster>>>>;

#[derive(Debug)]
struct Entry {
    slot: Slot,
    bytes: usize,
    last_used: u64,
}

#[derive(Debug, Default)]
struct Entries {
    by_path: HashMap<PathBuf, Entry>,
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
    /// A cache that keeps at most `budget` bytes of decoded pixels besides those in use.
    pub fn new(budget: usize) -> Self {
        RasterCache { budget, entries: Mutex::default() }
    }

    /// The raster of a file, opened at the first call; `check` is run on it then.
    ///
    /// # Errors
    /// Those of [`Raster::open`] and of `check`; a file that failed is tried again at the next call.
    pub fn get(&self, path: &Path, check: impl FnOnce(&Raster) -> Result<()>) -> Result<Arc<Raster>> {
        let slot = self.slot(path);
        let mut filled = lock(&slot);
        if let Some(raster) = filled.as_ref() {
            return Ok(raster.clone());
        }
        let raster = Arc::new(Raster::open(path)?);
        check(&raster)?;
        *filled = Some(raster.clone());
        drop(filled);
        self.account(path, raster.memory_bytes());
        Ok(raster)
    }

    /// Lets go of the raster of a file; those who hold it keep it.
    pub fn forget(&self, path: &Path) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.by_path.remove(path) {
            entries.bytes -= entry.bytes;
        }
    }

    fn slot(&self, path: &Path) -> Slot {
        let mut entries = lock(&self.entries);
        entries.clock += 1;
        let now = entries.clock;
        let entry = entries.by_path.entry(path.to_owned()).or_insert_with(|| Entry { slot: Slot::default(), bytes: 0, last_used: now });
        entry.last_used = now;
        entry.slot.clone()
    }

    /// Books the memory of a newly opened raster and lets go of the oldest others while the budget is exceeded.
    fn account(&self, path: &Path, bytes: usize) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.by_path.get_mut(path) {
            entry.bytes = bytes;
            entries.bytes += bytes;
        }
        while entries.bytes > self.budget {
            let others = entries.by_path.iter().filter(|(other, entry)| entry.bytes > 0 && other.as_path() != path);
            let Some(oldest) = others.min_by_key(|(_, entry)| entry.last_used).map(|(oldest, _)| oldest.clone()) else { break };
            if let Some(entry) = entries.by_path.remove(&oldest) {
                entries.bytes -= entry.bytes;
            }
        }
    }
}
