//! One run of a job under the shim, and what must hold after every fault.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::jobs::Job;
use crate::outputs::{self, Files, difference, is_part, torn};
use crate::shim::{Fault, Plan};

/// An error of the hardware.
pub const EIO: i32 = 5;
/// A file system that was mounted, or has become, read-only.
pub const EROFS: i32 = 30;
/// The signal of a file that grows past `ulimit -f`.
pub const SIGXFSZ: i32 = 25;

/// Longer than any run here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// What a job leaves, and the file operations that it takes, one a line.
pub struct Unbroken {
    /// The files.
    pub files: Files,
    /// `number what path`.
    pub operations: Vec<String>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// As a shell says it: 128 + the signal that ended it.
    pub status: i32,
    /// What it said on stderr.
    pub said: String,
}

/// Waits for a process; one that hangs is killed and fails the trial.
pub fn finish(mut command: Command) -> Ended {
    let started = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let process = child.id();
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if ended.recv_timeout(LIMIT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            send_signal(process, 9);
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    guard.join().unwrap();
    let took = started.elapsed();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(took < LIMIT, "hangs: {said}");
    Ended { status: status(&output), said }
}

/// Sends a signal to another process, through the shell: the standard library has no such call.
pub fn send_signal(process: u32, signal: i32) {
    let _ = Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).status();
}

fn status(output: &Output) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0))
}

/// Runs a job in a folder under a plan.
pub fn run(job: &Job, here: &Path, again: bool, shim: &Path, plan: &Plan) -> Ended {
    let mut command = job.command(here, again);
    plan.put_before(&mut command, shim, &job.out(here));
    finish(command)
}

/// What the job does where nothing goes wrong.
pub fn unbroken(job: &Job, shim: &Path) -> Unbroken {
    let here = tempfile::tempdir().unwrap();
    let log = here.path().join("operations");
    let ended = run(job, here.path(), false, shim, &Plan { log: Some(log.clone()), ..Plan::default() });
    assert_eq!(ended.status, 0, "{}: {}", job.name, ended.said);
    let operations: Vec<String> = std::fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect();
    let files = outputs::files(&job.out(here.path()));
    assert!(!files.is_empty() && operations.len() > 3, "{}: the shim saw {} operations", job.name, operations.len());
    Unbroken { files, operations }
}

/// Lets one operation of a job go wrong and runs it again; what should not be, in words.
pub fn broken_and_mended(job: &Job, unbroken: &Unbroken, shim: &Path, fault: Fault, operation: usize) -> Result<(), String> {
    let here = tempfile::tempdir().unwrap();
    let ended = run(job, here.path(), false, shim, &Plan::at(fault, operation));
    let left = outputs::files(&job.out(here.path()));
    match fault {
        Fault::Kill if ended.status == 137 => {}
        Fault::Kill => return Err(format!("status {} where the process was killed: {}", ended.status, ended.said)),
        Fault::Errno(error) | Fault::Once(error) => refused_in_one_paragraph(&ended, &left, unbroken, operation, error)?,
        Fault::Signal(signal) => answered(signal, &ended, &left, unbroken)?,
    }
    if ended.status == 0 {
        // Done, in spite of it, and seen to be the same.
        return Ok(());
    }
    if let Some(torn) = torn(&left, &unbroken.files, job.growing) {
        return Err(torn);
    }
    let ended = run(job, here.path(), true, shim, &Plan::default());
    if ended.status != 0 {
        return Err(format!("the next run: status {}: {}", ended.status, last_line(&ended.said)));
    }
    difference(&outputs::files(&job.out(here.path())), &unbroken.files).map_or(Ok(()), |text| Err(format!("after the next run {text}")))
}

/// After a failed operation: status 4, one paragraph, nothing half-made; or the program had another way, to the same files.
fn refused_in_one_paragraph(ended: &Ended, left: &Files, unbroken: &Unbroken, operation: usize, error: i32) -> Result<(), String> {
    let what = unbroken.operations.get(operation - 1).and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    // Only these have another way: a link is a copy then, a folder may be there, and what cannot be removed or given up stays.
    let has_another_way = ["link", "unlink", "rmdir", "close", "mkdir"].contains(&what);
    match ended.status {
        4 => {}
        0 if has_another_way => return difference(left, &unbroken.files).map_or(Ok(()), |text| Err(format!("status 0, but {text}"))),
        status => return Err(format!("status {status} instead of 4: {}", last_line(&ended.said))),
    }
    one_paragraph(ended)?;
    // On a disk that lets nothing be removed, parts stay until the next run.
    let may_stay = has_another_way || error == EROFS;
    left.keys().find(|name| is_part(name)).filter(|_| !may_stay).map_or(Ok(()), |name| Err(format!("{name} is left behind")))
}

/// An error is the last line, and the only one of its kind.
fn one_paragraph(ended: &Ended) -> Result<(), String> {
    let errors: Vec<&str> = ended.said.lines().filter(|line| line.starts_with("error: ")).collect();
    match errors[..] {
        [error] if ended.said.trim_end().ends_with(error) && !ended.said.contains("panicked") => Ok(()),
        _ => Err(format!("not one paragraph: {}", ended.said)),
    }
}

/// Lets one read of an input fail: refused as an input, or read another way to the same files; or to others that speak of the error, or a
/// note does.
pub fn unreadable(job: &Job, unbroken: &Unbroken, shim: &Path, operation: usize) -> Result<(), String> {
    let here = tempfile::tempdir().unwrap();
    let mut command = job.command(here.path(), false);
    Plan { reads: true, ..Plan::at(Fault::Once(EIO), operation) }.put_before(&mut command, shim, crate::jobs::data());
    let ended = finish(command);
    let left = outputs::files(&job.out(here.path()));
    match ended.status {
        2 => one_paragraph(&ended)?,
        0 if speaks_of_it(&ended, &left) => return Ok(()),
        0 => return made_right(job, here.path(), left, unbroken, shim).map_err(|text| format!("status 0, but {text}")),
        status => return Err(format!("status {status} instead of 2: {}", last_line(&ended.said))),
    }
    torn(&left, &unbroken.files, job.growing).map_or(Ok(()), Err)
}

/// Equal to what an unbroken run leaves; a list of maps that does not know the state of their inputs makes the next run do them again.
fn made_right(job: &Job, here: &Path, mut left: Files, unbroken: &Unbroken, shim: &Path) -> Result<(), String> {
    let list = "maps.json";
    if left.get(list).is_some_and(|bytes| unbroken.files.get(list) != Some(bytes)) {
        left.insert(list.into(), unbroken.files.get(list).cloned().unwrap_or_default());
        let ended = run(job, here, true, shim, &Plan::default());
        if ended.status != 0 {
            return Err(format!("the next run: status {}: {}", ended.status, last_line(&ended.said)));
        }
        difference(&outputs::files(&job.out(here)), &unbroken.files).map_or(Ok(()), |text| Err(format!("after the next run {text}")))?;
    }
    difference(&left, &unbroken.files).map_or(Ok(()), Err)
}

/// Whether a note or an output speaks of an error of the hardware.
fn speaks_of_it(ended: &Ended, left: &Files) -> bool {
    let words = format!("os error {EIO}");
    ended.said.contains(&words) || left.values().any(|bytes| String::from_utf8_lossy(bytes).contains(&words))
}

/// The reads of a job's inputs, one a line.
pub fn reads(job: &Job, shim: &Path) -> Vec<String> {
    let here = tempfile::tempdir().unwrap();
    let log = here.path().join("operations");
    let mut command = job.command(here.path(), false);
    Plan { reads: true, log: Some(log.clone()), ..Plan::default() }.put_before(&mut command, shim, crate::jobs::data());
    let ended = finish(command);
    assert_eq!(ended.status, 0, "{}: {}", job.name, ended.said);
    std::fs::read_to_string(log).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// After a signal: the status that tells of it; or the work was done before anybody looked.
fn answered(signal: i32, ended: &Ended, left: &Files, unbroken: &Unbroken) -> Result<(), String> {
    let wanted = if signal == SIGXFSZ { 4 } else { 128 + signal };
    match ended.status {
        0 if signal != SIGXFSZ => difference(left, &unbroken.files).map_or(Ok(()), |text| Err(format!("status 0, but {text}"))),
        status if status == wanted => Ok(()),
        status => Err(format!("status {status} instead of {wanted}: {}", last_line(&ended.said))),
    }
}

fn last_line(said: &str) -> &str {
    said.trim_end().lines().next_back().unwrap_or_default()
}

/// At most `most` of the operations from 1 to `count`, evenly spread, first and last among them; the same every time.
pub fn points(count: usize, most: usize) -> Vec<usize> {
    if count <= most || most < 2 {
        return (1..=count).collect();
    }
    (0..most).map(|index| 1 + index * (count - 1) / (most - 1)).collect()
}
