//! Independent tasks on several threads, their results in the order of the tasks.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use crate::error::{Error, Result};

/// Does `work` on every task with at most `most` threads; `done` hears of each finished task, on the calling thread and in their order.
///
/// The calling thread makes the tasks, one after the other. As many wait as are worked on, so that memory does not grow with their
/// number. The threads are a pool of their own: `most` holds whatever the pool of the caller, who waits here without working along.
///
/// # Errors
/// That of the first task, in their order, which could not be made or done: the same one for any number of threads. Further tasks are not
/// begun then. [`Error::Usage`] where the system starts no threads.
pub(crate) fn in_parallel<T: Send, R: Send>(
    tasks: impl ExactSizeIterator<Item = Result<T>>,
    most: usize,
    work: impl Fn(T) -> Result<R> + Sync,
    mut done: impl FnMut(),
) -> Result<Vec<R>> {
    let workers = most.min(tasks.len()).max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(workers).build().map_err(|e| {
        Error::Usage(format!(
            "{workers} threads cannot be started ({e}); raise the limits of processes and of memory (ulimit -u, -v), or ask for \
             fewer where --workers is an option"
        ))
    })?;
    let first_failed = AtomicUsize::new(usize::MAX);
    let (first_failed, work) = (&first_failed, &work);
    pool.in_place_scope_fifo(|scope| {
        let mut results = Vec::with_capacity(tasks.len());
        let mut begun = VecDeque::new();
        for (index, task) in tasks.enumerate() {
            let (sender, receiver) = sync_channel(1);
            begun.push_back(receiver);
            scope.spawn_fifo(move |_| {
                if index < first_failed.load(Ordering::Relaxed) {
                    let result = task.and_then(work);
                    if result.is_err() {
                        first_failed.fetch_min(index, Ordering::Relaxed);
                    }
                    // Nobody listens any more where an earlier task has failed.
                    let _ = sender.send(result);
                }
            });
            take(&mut begun, 2 * workers, &mut results, &mut done)?;
            if first_failed.load(Ordering::Relaxed) < usize::MAX {
                break;
            }
        }
        take(&mut begun, 0, &mut results, &mut done)?;
        Ok(results)
    })
}

/// Takes the results that are there, in their order, and waits for more while over `most_left` are to come.
fn take<R>(begun: &mut VecDeque<Receiver<Result<R>>>, most_left: usize, results: &mut Vec<R>, done: &mut impl FnMut()) -> Result<()> {
    while let Some(oldest) = begun.front() {
        let result = if begun.len() > most_left { oldest.recv().map_err(TryRecvError::from) } else { oldest.try_recv() };
        match result {
            Ok(result) => results.push(result?),
            Err(TryRecvError::Empty) => break,
            // The task panicked, and the scope that it was begun in hands that on at its end.
            Err(TryRecvError::Disconnected) => {}
        }
        begun.pop_front();
        done();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Refuses every task from `first` on; the first one takes its time, so that later ones fail before it.
    fn refuse_from(first: usize) -> impl Fn(usize) -> Result<usize> + Sync {
        move |task| {
            if task == first {
                std::thread::sleep(Duration::from_millis(20));
            }
            if task < first { Ok(task * task) } else { Err(Error::Usage(task.to_string())) }
        }
    }

    #[test]
    fn results_and_errors_keep_the_order_of_the_tasks() {
        for workers in [1, 2, 3, 64, usize::MAX] {
            let mut heard = 0;
            let squares = in_parallel((0..100).map(Ok), workers.min(100), refuse_from(100), || heard += 1).unwrap();
            assert_eq!((squares.len(), squares[99], heard), (100, 99 * 99, 100), "{workers}");
            for first in [0, 7, 99] {
                let refused = in_parallel((0..100).map(Ok), workers.min(100), refuse_from(first), || ()).unwrap_err();
                assert_eq!(refused.to_string(), first.to_string(), "{workers}");
            }
        }
        assert!(in_parallel((0..0).map(Ok), 3, refuse_from(0), || ()).unwrap().is_empty());
        assert_eq!(in_parallel((0..5).map(Ok), 0, refuse_from(5), || ()).unwrap(), [0, 1, 4, 9, 16]);
    }

    #[test]
    fn tasks_are_made_as_they_are_needed_and_one_that_cannot_be_made_ends_the_work() {
        let (made, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let tasks = (0..200).map(|task: usize| {
            let alive = made.fetch_add(1, Ordering::SeqCst) + 1 - finished.load(Ordering::SeqCst);
            assert!(alive <= 7, "{alive} tasks of three workers");
            if task == 150 { Err(Error::Usage("cannot be made".into())) } else { Ok(task) }
        });
        let work = |task| {
            finished.fetch_add(1, Ordering::SeqCst);
            Ok(task)
        };
        assert_eq!(in_parallel(tasks, 3, work, || ()).unwrap_err().to_string(), "cannot be made");
        assert!(made.into_inner() <= 150 + 7 && finished.into_inner() == 150);
    }

    #[test]
    #[should_panic(expected = "task 3")]
    fn a_panic_reaches_the_caller() {
        let work = |task: usize| if task == 3 { panic!("task {task}") } else { Ok(task) };
        let _ = in_parallel((0..100).map(Ok), 2, work, || ());
    }
}
