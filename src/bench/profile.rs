//! Device time by stem over the measured rows, with each stem's share of the ceilings.

use std::collections::BTreeMap;

use crate::bench::case::Run;
use crate::bench::row::{Part, Row};
use crate::error::{Error, Result};
use crate::gpu::{Cost, Gpu, ProfileRow};

/// Runs that one row's times are the mean of.
const RUNS: u64 = 3;

/// Times of one run of every row so far, by stem.
#[derive(Debug, Default)]
pub(super) struct Profile(BTreeMap<&'static str, ProfileRow>);

impl Profile {
    /// Runs a measured job some more times with every dispatch timed, and adds the mean of one run.
    ///
    /// # Errors
    /// [`Error::Device`] where the device cannot time dispatches; those of the run.
    pub(super) fn add(&mut self, gpu: &Gpu, run: &mut Run) -> Result<()> {
        gpu.synchronize()?;
        if !gpu.set_profiling(true) {
            let message = format!(
                "{} cannot time single kernels, as --profile wants: leave it out, or choose another device (see `meltcore devices`)",
                gpu.capabilities().name
            );
            return Err(Error::Device(message));
        }
        let runs = (0..RUNS).try_for_each(|_| run().map(drop)).and_then(|()| gpu.synchronize());
        let rows = gpu.profile();
        gpu.set_profiling(false);
        runs?;
        for (stem, row) in rows {
            let sum = self.0.entry(stem).or_default();
            sum.calls += row.calls / RUNS;
            sum.ms += row.ms / RUNS as f64;
            sum.cost.flops += row.cost.flops / RUNS as f64;
            sum.cost.bytes += row.cost.bytes / RUNS as f64;
        }
        Ok(())
    }

    /// A row for each stem, the longest first, then their sum; `row` turns name, ms and cost into one.
    pub(super) fn rows(self, row: impl Fn(String, f64, Cost) -> Row) -> Vec<Row> {
        let mut sum = ProfileRow::default();
        for stem in self.0.values() {
            sum.calls += stem.calls;
            sum.ms += stem.ms;
            sum.cost.flops += stem.cost.flops;
            sum.cost.bytes += stem.cost.bytes;
        }
        let total_ms = sum.ms;
        let mut stems: Vec<_> = self.0.into_iter().collect();
        stems.sort_by(|a, b| b.1.ms.total_cmp(&a.1.ms));
        stems.push(("(all kernels)", sum));
        let part = |stem: &ProfileRow| Part { calls: stem.calls, time_share: if total_ms > 0.0 { stem.ms / total_ms } else { 0.0 } };
        let measured = stems.into_iter().map(|(name, stem)| (part(&stem), row(format!("profile {name}"), stem.ms, stem.cost)));
        measured.map(|(part, row)| Row { part: Some(part), ..row }).collect()
    }
}
