//! Event files that `tensorboard --logdir` shows: curves and pictures of a run beside its `log.jsonl`.
//!
//! A run has one file at a time, `events.out.tfevents.<seconds>.meltcore`. An epoch is added to it by one write, so that a kill leaves at
//! most a torn end, which readers pass over. A resumed run begins a new file with the epochs that it goes on from and empties the old one,
//! so that no step is there twice, whichever program reads it; a program that follows the old one goes on to the new one. Older ones go.

mod event;
mod record;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub use event::{Event, Value};

use crate::error::{Error, Result};
use crate::files::write_atomically;

const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".meltcore";

/// The open event file.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Begins a file with the events of an earlier one up to `resumed_step`, which leaves no event in any earlier one. Says where some of
    /// these were damaged and are left out.
    ///
    /// # Errors
    /// [`Error::Output`] where the folder cannot be written.
    pub fn start(folder: &Path, resumed_step: Option<u64>) -> Result<(EventFile, Option<String>)> {
        let mut note = None;
        let earlier = earlier_files(folder);
        let mut bytes = Vec::new();
        event::opening(wall_time()).iter().for_each(|message| record::append(&mut bytes, message));
        if let (Some(last), Some((_, newest))) = (resumed_step, earlier.last()) {
            let kept = fs::read(newest).unwrap_or_else(|e| {
                note = Some(format!("{}: the curves of the earlier epochs cannot be read ({e}): they begin anew", newest.display()));
                Vec::new()
            });
            let belongs = |message: &&[u8]| event::summary_step(message).is_some_and(|step| step <= last);
            let (records, damaged) = record::records(&kept);
            records.into_iter().filter(belongs).for_each(|message| record::append(&mut bytes, message));
            if damaged > 0 {
                note = Some(format!("{}: {damaged} damaged piece(s) are left out of the curves; all others are kept", newest.display()));
            }
        }
        // Always a new name: a program that follows the old file would go on reading in the middle of this one.
        let seconds = earlier.last().map_or(0, |(seconds, _)| seconds + 1).max(wall_time() as u64);
        let path = folder.join(format!("{PREFIX}{seconds:010}{SUFFIX}"));
        write_atomically(&path, |out| out.write_all(&bytes))?;
        for (index, (_, old)) in earlier.iter().enumerate() {
            let emptied = if index + 1 == earlier.len() { File::create(old).map(drop) } else { fs::remove_file(old) };
            emptied.map_err(|e| unwritable(old, &e))?;
        }
        let file = File::options().append(true).open(&path).map_err(|e| unwritable(&path, &e))?;
        Ok((EventFile { path, file }, note))
    }

    /// Adds events by one write.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn append(&mut self, events: &[Event]) -> Result<()> {
        let mut bytes = Vec::new();
        events.iter().for_each(|event| record::append(&mut bytes, &event.encode()));
        self.file.write_all(&bytes).map_err(|e| unwritable(&self.path, &e))
    }
}

/// Event files of earlier starts in a folder with the seconds in their names, the newest last.
fn earlier_files(folder: &Path) -> Vec<(u64, PathBuf)> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let seconds = |path: &Path| path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok();
    let mut files: Vec<(u64, PathBuf)> = paths.filter_map(|path| Some((seconds(&path)?, path))).collect();
    files.sort();
    files
}

/// Now, in seconds since 1970.
pub(super) fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn unwritable(path: &Path, e: &std::io::Error) -> Error {
    let message =
        format!("the event file cannot be written ({e}); check the free space and its folder's permissions, or set tensorboard: false");
    Error::output(path, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(folder: &Path) -> Vec<u64> {
        let mut files: Vec<Vec<u8>> = earlier_files(folder).iter().map(|(_, file)| fs::read(file).unwrap()).collect();
        let newest = files.pop().unwrap();
        assert!(files.len() <= 1 && files.concat().is_empty());
        record::records(&newest).0.into_iter().filter_map(event::summary_step).collect()
    }

    fn event(step: u64) -> Event {
        Event { wall_time: step as f64, step, values: vec![("loss/train".into(), Value::Scalar(0.5))] }
    }

    #[test]
    fn a_resumed_run_keeps_what_it_goes_on_from_in_one_new_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("events.out.tfevents.7.elsewhere"), "of another program").unwrap();
        let (mut file, _) = EventFile::start(folder.path(), None).unwrap();
        (1..=5).for_each(|step| file.append(&[event(step)]).unwrap());
        // Killed within a write.
        file.file.write_all(b"\x20\0\0\0\0\0\0\0torn").unwrap();
        let first = file.path.clone();
        drop(file);
        let (mut file, note) = EventFile::start(folder.path(), Some(3)).unwrap();
        assert_eq!(note, None);
        assert!(file.path != first && fs::read(first).unwrap().is_empty());
        file.append(&[event(4), event(5)]).unwrap();
        assert_eq!(steps(folder.path()), [1, 2, 3, 4, 5]);
        let mut damaged = fs::read(&file.path).unwrap();
        let at = damaged.len() / 2;
        damaged[at] ^= 4;
        fs::write(&file.path, damaged).unwrap();
        drop(file);
        let (file, note) = EventFile::start(folder.path(), Some(5)).unwrap();
        assert!(note.unwrap().contains("1 damaged piece(s)"));
        assert_eq!(steps(folder.path()).len(), 4);
        drop(file);

        // Killed between the new file and the emptying of the old one.
        fs::write(folder.path().join("events.out.tfevents.0000000001.meltcore"), "old").unwrap();
        EventFile::start(folder.path(), Some(4)).unwrap();
        assert!(steps(folder.path()).len() == 3 && steps(folder.path()).ends_with(&[4]));
        EventFile::start(folder.path(), None).unwrap();
        assert!(steps(folder.path()).is_empty());
        assert!(folder.path().join("events.out.tfevents.7.elsewhere").is_file());
    }
}
