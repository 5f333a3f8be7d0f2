//! Independent jobs on several threads, their results in the order of the jobs.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::error::Result;

/// Does `work` on every job with at most `most` threads; `done` hears of each finished job, on the calling thread.
///
/// # Errors
/// That of the first failed job in their order, of those that were begun; no further jobs are begun then.
pub(super) fn in_parallel<J: Sync, R: Send>(
    jobs: &[J],
    most: usize,
    work: impl Fn(&J) -> Result<R> + Sync,
    mut done: impl FnMut(),
) -> Result<Vec<R>> {
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get()).min(most).min(jobs.len());
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    let mut results: Vec<(usize, Result<R>)> = std::thread::scope(|scope| {
        for _ in 0..workers {
            let (sender, next, failed, work) = (sender.clone(), &next, &failed, &work);
            scope.spawn(move || {
                while !failed.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let result = work(job);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    // The receiver lives until all senders are gone.
                    let _ = sender.send((index, result));
                }
            });
        }
        drop(sender);
        receiver.into_iter().inspect(|_| done()).collect()
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
