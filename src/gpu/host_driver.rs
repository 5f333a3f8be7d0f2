//! The driver of the host device: every launch runs its twin at once, on the processor.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::gpu::buffer::{self, Buffer};
use crate::gpu::{Cost, Launch, ProfileRow, memory_size};
use crate::host::job::Raw;
use crate::host::{memory, twins};

/// Stem under which copies stand in the profile.
const COPY: &str = "copy";
/// Bytes of a buffer from which on the system is asked first whether it has them.
const ASKED: u64 = 64 << 20;

#[derive(Default)]
pub(super) struct HostDriver {
    work: Cell<Cost>,
    /// Time by stem, while profiling is on.
    rows: RefCell<Option<BTreeMap<&'static str, ProfileRow>>>,
}

impl HostDriver {
    /// # Errors
    /// [`Error::OutOfMemory`] where the system has no more, or would end the process once the memory is written to.
    pub(super) fn create(&self, bytes: u64) -> Result<memory::Memory> {
        // Systems promise more than they have; they are asked only where the answer takes less time than the memory's first use.
        let promised = bytes < ASKED || memory_size::of_host().is_none_or(|available| bytes <= available);
        promised.then(|| memory::Memory::new(bytes)).flatten().ok_or_else(|| buffer::no_room(bytes, ""))
    }

    pub(super) fn write(&self, buffer: &Buffer, values: &[f32]) {
        if let Some(span) = buffer.span() {
            // SAFETY: `buffer` keeps the memory; no launch runs, as they return when they are done, and no slice of it outlives one.
            let words = unsafe { span.as_slice_mut() };
            words[..values.len()].copy_from_slice(values);
        }
    }

    pub(super) fn read(&self, buffer: &Buffer, words: usize) -> Vec<f32> {
        // SAFETY: as in `write`.
        buffer.span().map(|span| unsafe { span.as_slice() }[..words].to_vec()).unwrap_or_default()
    }

    pub(super) fn copy(&self, (source, from): (&Buffer, usize), (target, to): (&Buffer, usize), words: usize) {
        let (Some(source), Some(target)) = (source.span(), target.span()) else { return };
        self.timed(COPY, Cost::new(0.0, 2 * words), || {
            // SAFETY: as in `write`; the buffers are two, which `Gpu::copy_words` checks.
            let (source, target) = unsafe { (source.as_slice(), target.as_slice_mut()) };
            crate::host::threads::run(|| crate::host::shared::chunks::copy(&source[from..from + words], &mut target[to..to + words]));
            Ok(())
        })
        .unwrap_or_default();
    }

    /// # Errors
    /// [`Error::Kernel`] where there is no such twin, or the launch does not fit it.
    pub(super) fn launch(&self, launch: &Launch) -> Result<()> {
        let spans: Vec<_> = launch.buffers.iter().filter_map(|buffer| buffer.span()).collect();
        let raw = Raw {
            stem: launch.plan.stem,
            immediates: launch.params.bytes(),
            consts: &launch.plan.variant.consts,
            scalar: launch.plan.variant.scalar,
            spans: &spans,
        };
        self.timed(launch.plan.stem, launch.cost, || {
            twins::run(&raw).map_err(|message| Error::Kernel { stem: launch.plan.stem.into(), message })
        })
    }

    fn timed(&self, stem: &'static str, cost: Cost, run: impl FnOnce() -> Result<()>) -> Result<()> {
        let start = self.rows.borrow().is_some().then(Instant::now);
        run()?;
        let add = |sum: &mut Cost| (sum.flops, sum.bytes) = (sum.flops + cost.flops, sum.bytes + cost.bytes);
        let mut work = self.work.get();
        add(&mut work);
        self.work.set(work);
        if let (Some(start), Some(rows)) = (start, self.rows.borrow_mut().as_mut()) {
            let row = rows.entry(stem).or_default();
            row.calls += 1;
            row.ms += start.elapsed().as_secs_f64() * 1e3;
            add(&mut row.cost);
        }
        Ok(())
    }

    pub(super) fn work(&self) -> Cost {
        self.work.get()
    }

    pub(super) fn set_profiling(&self, on: bool) {
        *self.rows.borrow_mut() = on.then(BTreeMap::new);
    }

    pub(super) fn profile(&self) -> BTreeMap<&'static str, ProfileRow> {
        self.rows.borrow().clone().unwrap_or_default()
    }
}
