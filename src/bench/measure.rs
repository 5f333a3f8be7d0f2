//! Wall time between synchronisations, with enough runs in between that submitting and waiting do not count.

use std::ops::RangeInclusive;
use std::time::Instant;

use crate::error::Result;
use crate::gpu::Gpu;

/// How long a row may take, and in how many repetitions.
pub(super) struct Effort {
    seconds: f64,
    repetitions: RangeInclusive<usize>,
}

impl Effort {
    pub(super) const FULL: Effort = Effort { seconds: 0.4, repetitions: 5..=9 };
    pub(super) const QUICK: Effort = Effort { seconds: 0.06, repetitions: 3..=3 };

    /// About `seconds` a row; more of them make more repetitions, since a long look is for telling small differences from noise.
    pub(super) fn of_seconds(seconds: f64) -> Effort {
        Effort { seconds, repetitions: 3..=25 }
    }

    /// Repetitions, and runs in each, for a run of `estimate` seconds.
    fn plan(&self, estimate: f64) -> [usize; 2] {
        let fit = (self.seconds / estimate.max(1e-7)) as usize;
        let repetitions = fit.clamp(*self.repetitions.start(), *self.repetitions.end());
        [repetitions, (fit / repetitions).clamp(1, 10_000)]
    }
}

/// Times of one run, ms, the shortest first. It has run before: nothing is left to compile.
pub(super) fn times(gpu: &Gpu, effort: &Effort, run: &mut dyn FnMut() -> Result<()>) -> Result<Vec<f64>> {
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
    let estimate = if first < effort.seconds / 40.0 { seconds(8)? } else { first };
    let [repetitions, runs] = effort.plan(estimate);
    let mut times = (0..repetitions).map(|_| Ok(seconds(runs)? * 1e3)).collect::<Result<Vec<_>>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::Effort;

    #[test]
    fn seconds_become_repetitions_first_and_runs_then() {
        assert_eq!(Effort::FULL.plan(1.0), [5, 1]);
        assert_eq!(Effort::FULL.plan(0.08), [5, 1]);
        assert_eq!(Effort::FULL.plan(0.001), [9, 44]);
        assert_eq!(Effort::QUICK.plan(0.001), [3, 20]);
        assert_eq!(Effort::of_seconds(3.0).plan(0.1), [25, 1]);
        assert_eq!(Effort::of_seconds(0.001).plan(0.1), [3, 1]);
        assert_eq!(Effort::of_seconds(3.0).plan(0.0), [25, 10_000]);
    }
}
