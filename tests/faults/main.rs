//! Kills, full disks and signals at the file operations of every command that writes: outputs are whole or absent, the status tells what
//! happened, and the next run of the same command ends with the same bits as one to which nothing happened.
//!
//! `shim.c` stands between the program and the C library (`LD_PRELOAD`) and counts the operations below the output folder; a trial goes
//! through them, or through some of them, evenly spread, where there are more than `MELTCORE_FAULT_POINTS` (`all`: no limit). Without a C
//! compiler, or elsewhere than on Linux, the trials read as ignored. `tools/faults.sh` goes through all of them.
#![cfg_attr(not(unix), allow(unused))]

#[cfg(unix)]
mod jobs;
#[cfg(unix)]
mod locks;
#[cfg(unix)]
mod outputs;
#[cfg(unix)]
mod runs;
#[cfg(unix)]
mod shim;
#[cfg(unix)]
mod signals;
#[path = "../trials/mod.rs"]
mod trials;

use std::process::ExitCode;

#[cfg(not(unix))]
fn main() -> ExitCode {
    let reason = || Some("signals and the shim are of Unix".to_owned());
    trials::run(vec![trials::needing("faults", "cc", reason, || ())])
}

#[cfg(unix)]
fn main() -> ExitCode {
    trials::run(faults::trials())
}

#[cfg(unix)]
mod faults {
    use std::path::Path;
    use std::sync::{Arc, OnceLock};

    use libtest_mimic::{Completion, Failed, Trial};

    use crate::jobs::{COMMANDS, Job, TRAIN};
    use crate::runs::{EIO, EROFS, SIGXFSZ, Unbroken, broken_and_mended, points, reads, unbroken, unreadable};
    use crate::shim::{Fault, shim};
    use crate::trials::absent;
    use crate::{locks, signals};

    const ENOSPC: i32 = 28;
    const EDQUOT: i32 = 122;
    const SIGINT: i32 = 2;
    const SIGTERM: i32 = 15;

    /// A job, and what it leaves where nothing goes wrong, found out once.
    type Shared = Arc<(Job, OnceLock<Unbroken>)>;

    /// All trials: `fault::command`.
    pub fn trials() -> Vec<Trial> {
        let mut trials = Vec::new();
        for job in [&TRAIN].into_iter().chain(COMMANDS) {
            let shared: Shared = Arc::new((*job, OnceLock::new()));
            let mut add = |name: &str, fault: Fault, most: usize, only: Option<&'static str>, part: [usize; 2]| {
                let shared = shared.clone();
                let name = format!("{name}::{}", job.name);
                trials.push(needing_the_shim(name, move |shim| through(&shared, shim, fault, most, only, part)));
            };
            if job.name == TRAIN.name {
                // Every operation of two epochs, in two trials that run beside each other.
                add("killed_1_of_2", Fault::Kill, usize::MAX, None, [0, 2]);
                add("killed_2_of_2", Fault::Kill, usize::MAX, None, [1, 2]);
            } else {
                add("killed", Fault::Kill, 40, None, [0, 1]);
            }
            add("disk_full", Fault::Errno(ENOSPC), 40, None, [0, 1]);
            add("quota", Fault::Errno(EDQUOT), 6, None, [0, 1]);
            add("read_only", Fault::Errno(EROFS), 6, None, [0, 1]);
            add("input_output", Fault::Once(EIO), 12, None, [0, 1]);
            add("terminated", Fault::Signal(SIGTERM), 12, None, [0, 1]);
            add("interrupted", Fault::Signal(SIGINT), 4, None, [0, 1]);
            add("too_large", Fault::Signal(SIGXFSZ), 4, Some("write"), [0, 1]);
            let name = format!("unreadable::{}", job.name);
            trials.push(needing_the_shim(name, move |shim| through_reads(&shared, shim)));
        }
        trials.extend(locks::trials());
        trials.extend(signals::trials());
        trials
    }

    /// A trial that reads as ignored without the shim.
    pub fn needing_the_shim(name: String, run: impl FnOnce(&Path) -> Result<(), Failed> + Send + 'static) -> Trial {
        Trial::ignorable_test(name, move || match shim() {
            Err(reason) => absent("cc", reason),
            Ok(shim) => run(shim).map(|()| Completion::Completed),
        })
    }

    /// Lets operation after operation go wrong, those called `only` where that is given, `part` of them (every second, say).
    fn through(
        shared: &Shared,
        shim: &Path,
        fault: Fault,
        most: usize,
        only: Option<&str>,
        [first, step]: [usize; 2],
    ) -> Result<(), Failed> {
        let (job, once) = &**shared;
        let unbroken = once.get_or_init(|| unbroken(job, shim));
        let is_meant = |line: &&String| only.is_none_or(|only| line.split(' ').nth(1) == Some(only));
        let operations: Vec<&String> = unbroken.operations.iter().filter(is_meant).collect();
        let chosen = chosen(&operations, most).into_iter().skip(first).step_by(step);
        all_hold(chosen.map(|operation| (operation, broken_and_mended(job, unbroken, shim, fault, number(operation)))))
    }

    /// Lets read after read of an input fail.
    fn through_reads(shared: &Shared, shim: &Path) -> Result<(), Failed> {
        let (job, once) = &**shared;
        let unbroken = once.get_or_init(|| unbroken(job, shim));
        let reads = reads(job, shim);
        let chosen = chosen(&reads.iter().collect::<Vec<_>>(), 8).into_iter();
        all_hold(chosen.map(|read| (read, unreadable(job, unbroken, shim, number(read)))))
    }

    /// Some of the operations, as [`points`] says.
    fn chosen<'a>(operations: &[&'a String], most: usize) -> Vec<&'a String> {
        points(operations.len(), limit(most)).into_iter().map(|point| operations[point - 1]).collect()
    }

    /// The number at the beginning of an operation's line.
    fn number(operation: &str) -> usize {
        operation.split(' ').next().and_then(|number| number.parse().ok()).unwrap()
    }

    /// Fails with the operations after which something was not as it should be.
    fn all_hold<'a>(outcomes: impl Iterator<Item = (&'a String, Result<(), String>)>) -> Result<(), Failed> {
        let outcomes: Vec<_> = outcomes.collect();
        let failed: Vec<String> =
            outcomes.iter().filter_map(|(operation, outcome)| Some(format!("at {operation}: {}", outcome.as_ref().err()?))).collect();
        let shown = failed.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
        if failed.is_empty() { Ok(()) } else { Err(format!("{} of {} points:\n{shown}", failed.len(), outcomes.len()).into()) }
    }

    /// `most`, or what `MELTCORE_FAULT_POINTS` says in its place.
    fn limit(most: usize) -> usize {
        match std::env::var("MELTCORE_FAULT_POINTS").as_deref() {
            Ok("all") => usize::MAX,
            Ok(number) => number.parse().expect("MELTCORE_FAULT_POINTS is a number or `all`"),
            Err(_) => most,
        }
    }
}
