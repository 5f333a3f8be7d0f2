//! File systems whose `flock` does not work (NFS without lockd, autofs): every command goes on without a lock and says so, once.

use libtest_mimic::{Failed, Trial};

use crate::faults::needing_the_shim;
use crate::jobs::{COMMANDS, Job, TRAIN};
use crate::outputs::{difference, files};
use crate::runs::{run, unbroken};
use crate::shim::Plan;

const ENOLCK: i32 = 37;
const ENOSYS: i32 = 38;
/// `ENOTSUPP` of the kernel, which no header of the C library has; autofs answers it.
const ENOTSUPP: i32 = 524;

/// A trial for every command that locks its output folder.
pub fn trials() -> Vec<Trial> {
    let locking = COMMANDS.iter().filter(|job| ["pack", "predict", "baseline"].contains(&job.name));
    let jobs = [&TRAIN].into_iter().chain(locking);
    jobs.map(|job| needing_the_shim(format!("without_locks::{}", job.name), move |shim| goes_on(job, shim))).collect()
}

fn goes_on(job: &Job, shim: &std::path::Path) -> Result<(), Failed> {
    let unbroken = unbroken(job, shim);
    for error in [ENOLCK, ENOSYS, ENOTSUPP] {
        let here = tempfile::tempdir().unwrap();
        let ended = run(job, here.path(), false, shim, &Plan { flock: Some(error), ..Plan::default() });
        assert_eq!(ended.status, 0, "flock fails with {error}: {}", ended.said);
        assert_eq!(difference(&files(&job.out(here.path())), &unbroken.files), None, "flock fails with {error}");
        let told = ended.said.lines().filter(|line| line.contains("lock")).count();
        assert_eq!(told, 1, "flock fails with {error}, and it is to be said once: {}", ended.said);
    }
    Ok(())
}
