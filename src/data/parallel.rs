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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn results_keep_the_order_and_errors_end_the_work() {
        let jobs: Vec<usize> = (0..100).collect();
        let mut heard = 0;
        let squares = in_parallel(&jobs, 3, |job| Ok(job * job), || heard += 1).unwrap();
        assert_eq!((squares[99], heard), (99 * 99, 100));
        let fails = |job: &usize| if *job >= 7 { Err(Error::Usage(job.to_string())) } else { Ok(*job) };
        assert_eq!(in_parallel(&jobs, 1, fails, || ()).unwrap_err().to_string(), "7");
        assert!(in_parallel(&[] as &[usize], 3, fails, || ()).unwrap().is_empty());
    }
}
