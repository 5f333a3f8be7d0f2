//! Wall time between synchronisations, with enough runs in between that submitting and waiting do not count.

use std::time::Instant;

use crate::bench::case::Run;
use crate::error::Result;
use crate::gpu::Gpu;

/// How long a row may take.
pub(super) struct Effort {
    seconds: f64,
    repetitions: usize,
}

impl Effort {
    pub(super) const FULL: Effort = Effort { seconds: 0.08, repetitions: 5 };
    pub(super) const QUICK: Effort = Effort { seconds: 0.02, repetitions: 3 };
}

/// Times of one run, ms, the shortest first. The job has run before: nothing is left to compile.
pub(super) fn times(gpu: &Gpu, effort: &Effort, run: &mut Run) -> Result<Vec<f64>> {
    let mut seconds = |runs: usize| -> Result<f64> {
        gpu.synchronize()?;
        let start = Instant::now();
        for _ in 0..runs {
            run()?;
        }
        gpu.synchronize()?;
        Ok(start.elapsed().as_secs_f64() / runs as f64)
    };
    // Two rounds: the first may be mostly the wait, which the second then shares among many runs.
    let first = seconds(1)?;
    let estimate = if first < effort.seconds / 8.0 { seconds(8)? } else { first };
    let runs = ((effort.seconds / estimate.max(1e-7)) as usize).clamp(1, 10_000);
    let mut times = (0..effort.repetitions).map(|_| Ok(seconds(runs)? * 1e3)).collect::<Result<Vec<_>>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}
