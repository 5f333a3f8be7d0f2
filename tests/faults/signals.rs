//! Signals while something long goes on, and a limit on the size of files as a shell or a batch system sets it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::faults::needing_the_shim;
use crate::jobs::{COMMANDS, Job, TRAIN};
use crate::outputs::{difference, files, is_unfinished, torn};
use crate::runs::{Ended, finish, run, send_signal, unbroken};
use crate::shim::Plan;
use crate::trials::trial;

/// Within this a signal is to be answered.
const ANSWER: Duration = Duration::from_secs(2);

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![needing_the_shim("terminated_while_maps_are_drawn".into(), terminated_while_maps_are_drawn)];
    trials.push(trial("file_size_limit", file_size_limit));
    trials
}

/// Every file operation takes so long that the maps of an epoch take several seconds; the signal comes when the first one is there.
fn terminated_while_maps_are_drawn(shim: &Path) -> Result<(), Failed> {
    // All days are mapped.
    let arguments = format!("{} --set path_eval_split_csv={{data}}/set/splits/all.csv", TRAIN.arguments);
    let job = Job { arguments: arguments.leak(), ..TRAIN };
    let unbroken = unbroken(&job, shim);
    let here = tempfile::tempdir().unwrap();
    let mut command = job.command(here.path(), false);
    Plan { slow: Some(40), ..Plan::default() }.put_before(&mut command, shim, &job.out(here.path()).join("maps"));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let drawn = || files(&job.out(here.path()).join("maps")).keys().filter(|name| !is_unfinished(name)).count();
    let started = Instant::now();
    while drawn() == 0 {
        assert!(child.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(60), "no map within a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    let asked = Instant::now();
    send_signal(child.id(), 15);
    let status = child.wait().unwrap();
    let (took, maps) = (asked.elapsed(), drawn());
    assert_eq!(status.code(), Some(143));
    assert!(took < ANSWER, "the answer took {took:?}");
    let all = unbroken.files.keys().filter(|name| name.starts_with("maps/epoch_0001/")).count();
    assert!(maps < all, "all {all} maps were there: the signal came too late for this trial");
    let ended = run(&job, here.path(), true, shim, &Plan::default());
    assert_eq!(ended.status, 0, "{}", ended.said);
    difference(&files(&job.out(here.path())), &unbroken.files).map_or(Ok(()), |text| Err(text.into()))
}

/// `ulimit -f`: a write past the limit raises SIGXFSZ, which kills a process that does not expect it.
fn file_size_limit() {
    let mut failed = Vec::new();
    for job in [&TRAIN].into_iter().chain(COMMANDS) {
        let free = tempfile::tempdir().unwrap();
        let ended = finish(job.command(free.path(), false));
        assert_eq!(ended.status, 0, "{}: {}", job.name, ended.said);
        let (here, want) = (tempfile::tempdir().unwrap(), files(&job.out(free.path())));
        // In blocks of 512 bytes: files of 1 KiB and more are too large.
        let ended = limited(job.command(here.path(), false), 1);
        let left = files(&job.out(here.path()));
        if want.values().any(|bytes| bytes.len() > 1024) && ended.status != 4 {
            failed.push(format!("{}: status {} instead of 4: {}", job.name, ended.status, ended.said.trim_end()));
        }
        failed.extend(torn(&left, &want, job.growing).map(|text| format!("{}: {text}", job.name)));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A command in a shell that lets no file grow past so many blocks.
fn limited(command: Command, blocks: usize) -> Ended {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$@\""), "sh"]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(key, value),
            None => shell.env_remove(key),
        };
    }
    finish(shell)
}
