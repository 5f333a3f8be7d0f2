//! Who computes: the threads of rayon's current pool.
//!
//! The program makes its main thread a member of a pool ([`enter`]), so that a launch hands work over in a fraction of a microsecond; a
//! thread that is no member (a library user's, a test's) sends each launch to rayon's global pool, which takes about ten. No result depends
//! on the number of threads.

use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// Threads that a pool may have: with some thousand more, they spend minutes looking for work in each other's queues.
pub const MOST: usize = 1024;

/// The pool whose first member is the main thread. Rayon's global pool is another one: the threads that read data use that, and never
/// wait for the main thread.
static POOL: OnceLock<ThreadPool> = OnceLock::new();

/// Makes the calling thread a member of a pool of `threads` threads (`None`: of `RAYON_NUM_THREADS`, else one a processor), and gives the
/// threads that read data as many. To be called once, by the thread that launches; gives the number of threads.
///
/// # Errors
/// [`Error::Usage`] for a number that is not 1 to [`MOST`], wherever it comes from, and where the system starts no more threads.
pub fn enter(threads: Option<usize>) -> Result<usize> {
    let (count, named) = match threads {
        Some(count) => (Some(count), "--threads"),
        None => (of_environment(std::env::var("RAYON_NUM_THREADS").ok().as_deref())?, "RAYON_NUM_THREADS"),
    };
    if let Some(count) = count.filter(|count| !(1..=MOST).contains(count)) {
        return Err(Error::Usage(format!(
            "{named}: {count} threads were asked for; give 1 to {MOST}, best as many as there are processors"
        )));
    }
    // Rayon's own default, one a processor, but no more than work here.
    let count = count.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from).min(MOST));
    // Where a pool is there already, as in a test that calls this twice, it stays.
    let _ = ThreadPoolBuilder::new().num_threads(count).thread_name(|i| format!("data {i}")).build_global();
    if rayon::current_thread_index().is_none() {
        let pool = ThreadPoolBuilder::new().num_threads(count).use_current_thread().thread_name(|i| format!("host {i}")).build();
        let pool = pool.map_err(|e| Error::Usage(format!("{count} threads cannot be started ({e}): give fewer with --threads")))?;
        let _ = POOL.set(pool);
    }
    Ok(rayon::current_num_threads())
}

/// Runs `work` on the calling thread as a member of a pool of `count` threads of its own, at least one.
///
/// # Errors
/// [`Error::Usage`] where the system starts no more threads; those of `work`.
pub fn with<T>(count: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let builder = ThreadPoolBuilder::new().num_threads(count.clamp(1, MOST)).use_current_thread();
    let pool = builder.thread_name(|i| format!("host {i}")).build();
    let _pool = pool.map_err(|e| Error::Usage(format!("{count} threads cannot be started ({e}): give fewer with --threads")))?;
    work()
}

/// The number that `RAYON_NUM_THREADS` gives; none, nothing and 0 leave the choice to the machine, as in rayon itself.
fn of_environment(text: Option<&str>) -> Result<Option<usize>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let count: usize = text.parse().map_err(|_| {
        Error::Usage(format!("RAYON_NUM_THREADS: `{text}` is no number of threads: set it to 1 to {MOST}, or unset it for one a processor"))
    })?;
    Ok(Some(count).filter(|count| *count > 0))
}

/// Runs `work` on a member of a pool: here where the calling thread is one.
pub(crate) fn run(work: impl FnOnce() + Send) {
    if rayon::current_thread_index().is_some() { work() } else { rayon::scope(|_| work()) }
}

#[cfg(test)]
mod tests {
    use super::{MOST, enter, of_environment};

    #[test]
    fn numbers_of_threads_are_checked_wherever_they_come_from() {
        for nothing in [None, Some(""), Some(" "), Some("0")] {
            assert_eq!(of_environment(nothing).unwrap(), None, "{nothing:?}");
        }
        assert_eq!(of_environment(Some(" 3 ")).unwrap(), Some(3));
        for nonsense in ["x", "-3", "1.5", "99999999999999999999999"] {
            assert!(of_environment(Some(nonsense)).unwrap_err().to_string().contains(nonsense));
        }
        for count in [0, MOST + 1] {
            assert!(enter(Some(count)).unwrap_err().to_string().contains("--threads"), "{count}");
        }
    }
}
