//! The exchange of gradients between ranks, timed by size beside a copy in memory of as many bytes.

use std::thread;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::ranks::{Ranks, threads};

/// Values of a gradient: from a small layer's to those of 31 M parameters, a UNet's.
const SIZES: [usize; 6] = [1 << 10, 1 << 14, 1 << 18, 1 << 21, 1 << 23, 31_000_000];
/// Times that each is measured; the least counts, since the machine may be busy.
const REPETITIONS: usize = 7;

/// One size.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Exchanged {
    /// Ranks.
    pub ranks: usize,
    /// Values of a rank.
    pub words: usize,
    /// Seconds until every rank has the sum.
    pub seconds: f64,
    /// Seconds of a copy of one rank's values in memory.
    pub copy: f64,
}

/// Times the exchange between `ranks` threads.
///
/// # Errors
/// [`Error::Usage`] where a thread cannot be started.
pub fn by_threads(ranks: usize) -> Result<Vec<Exchanged>> {
    let mut ends = threads::connected(ranks).into_iter();
    let Some((position, end)) = ends.next() else { return Ok(Vec::new()) };
    thread::scope(|scope| {
        for (position, end) in ends {
            let other = move || exchange(&Ranks::new(position, Box::new(end))).map(drop);
            let started = thread::Builder::new().spawn_scoped(scope, other);
            started.map_err(|e| Error::Usage(format!("a thread cannot be started ({e}); raise the limit of processes")))?;
        }
        exchange(&Ranks::new(position, Box::new(end)))
    })
}

/// Times the exchange between this rank and the others, which call it too.
///
/// # Errors
/// That another rank has failed; [`Error::CheckFailed`] for a wrong sum.
pub fn exchange(ranks: &Ranks) -> Result<Vec<Exchanged>> {
    SIZES.into_iter().map(|words| of_size(ranks, words)).collect()
}

fn of_size(ranks: &Ranks, words: usize) -> Result<Exchanged> {
    let count = ranks.position().ranks;
    let source = vec![ranks.position().rank as f32 + 1.0; words];
    let mut values = vec![0.0f32; words];
    let (mut seconds, mut copy) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..REPETITIONS {
        let begun = Instant::now();
        std::hint::black_box(&mut values).copy_from_slice(std::hint::black_box(&source));
        copy = copy.min(begun.elapsed().as_secs_f64());
        // All begin at once.
        ranks.agree(Ok(()))?;
        let begun = Instant::now();
        ranks.sum(&mut values, count)?;
        seconds = seconds.min(begun.elapsed().as_secs_f64());
    }
    let wanted = (count * (count + 1) / 2) as f32;
    let sum = if values.iter().all(|value| *value == wanted) {
        Ok(())
    } else {
        Err(Error::CheckFailed(format!("the sum over {count} ranks is wrong; this is a defect of meltcore or of MPI")))
    };
    ranks.agree(sum)?;
    Ok(Exchanged { ranks: count, words, seconds, copy })
}
