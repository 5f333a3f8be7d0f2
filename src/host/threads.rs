//! Who computes: the threads of rayon's current pool.
//!
//! The program makes its main thread a member of a pool ([`enter`]), so that a launch hands work over in a fraction of a microsecond; a
//! thread that is no member (a library user's, a test's) sends each launch to rayon's global pool, which takes about ten. No result depends
//! on the number of threads.

use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// The pool whose first member is the main thread. Rayon's global pool is another one: the threads that read data use that, and never
/// wait for the main thread.
static POOL: OnceLock<ThreadPool> = OnceLock::new();

/// Makes the calling thread a member of a pool of `threads` threads (`None`: of `RAYON_NUM_THREADS`, else one a processor), and gives the
/// threads that read data as many. To be called once, by the thread that launches; gives the number of threads.
pub fn enter(threads: Option<usize>) -> usize {
    let count = threads.unwrap_or(0);
    // Where a pool is there already, as in a test that calls this twice, it stays.
    let _ = ThreadPoolBuilder::new().num_threads(count).thread_name(|i| format!("data {i}")).build_global();
    if rayon::current_thread_index().is_none() {
        let pool = ThreadPoolBuilder::new().num_threads(count).use_current_thread().thread_name(|i| format!("host {i}")).build();
        if let Ok(pool) = pool {
            let _ = POOL.set(pool);
        }
    }
    rayon::current_num_threads()
}

/// Runs `work` on a member of a pool: here where the calling thread is one.
pub(crate) fn run(work: impl FnOnce() + Send) {
    if rayon::current_thread_index().is_some() { work() } else { rayon::scope(|_| work()) }
}
