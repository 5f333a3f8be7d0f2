//! The folder of a run: who holds it, which checkpoints it has, and how `last` is replaced so that one complete checkpoint is always there.
//!
//! `last` is the newest checkpoint, `previous` the one before, `epoch_NNNN` those that are kept; no two share a file, so that damage to one
//! leaves the others. A checkpoint is written whole as `last.tmp`; then `previous` becomes `previous.old`, `last` becomes `previous`,
//! `last.tmp` becomes `last`, new best weights, which wait as `best.tmp.safetensors`, take their name, and `previous.old` is removed.
//! Killed in between, [`RunFolder::open`] undoes the replacement where `last` is still there, and completes it where it is not.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::checkpoint::State;
use crate::error::{Error, Result};
use crate::files::{FolderLock, sync_folder, write_atomically};
pub use crate::weights::guard::BEST_FILE;
use crate::weights::guard::{Condition, FileMark, condition_of_checkpoint};

/// The checkpoint that the next epoch replaces.
pub const LAST: &str = "last";
/// The checkpoint before it.
pub const PREVIOUS: &str = "previous";
const UNFINISHED: &str = "last.tmp";
const REPLACED: &str = "previous.old";
const DROPPED: &str = "last.dropped";
/// What versions before made of `last` while they replaced it.
const REPLACED_BEFORE: &str = "last.old";
const NEXT_BEST: &str = "best.tmp.safetensors";
const KEPT_PREFIX: &str = "epoch_";
const TEMPORARY: &str = ".tmp";
const LOCK_FILE: &str = ".lock";

/// What becomes of `last` and `previous` when a checkpoint is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// `last` becomes `previous`.
    Both,
    /// `previous` stays, since `last` is damaged.
    DropLast,
    /// Neither is of this run's past.
    DropBoth,
}

/// The folder `path_checkpoints`, held by this process until dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// None where another rank of the run has it.
    lock: Option<FolderLock>,
    /// What the next [`RunFolder::save`] does; later ones take [`Rotation::Both`].
    pub rotation: Rotation,
}

impl RunFolder {
    /// Makes the folder where it is missing, takes its lock, and completes or undoes a replacement that was cut short.
    ///
    /// # Errors
    /// [`Error::Output`] where the folder cannot be made or written, or another process holds it.
    pub fn open(path: &Path) -> Result<RunFolder> {
        let busy = "another process trains into this folder; wait for it, stop it, or set another path_checkpoints";
        let lock = FolderLock::take(path, LOCK_FILE, busy, "set another path_checkpoints")?;
        let folder = RunFolder { path: path.to_owned(), lock: Some(lock), rotation: Rotation::Both };
        folder.recover()?;
        Ok(folder)
    }

    /// The folder of a run that another rank holds: for reading alone.
    pub fn held_elsewhere(path: &Path) -> RunFolder {
        RunFolder { path: path.to_owned(), lock: None, rotation: Rotation::Both }
    }

    /// What to tell the user about the folder.
    pub fn note(&self) -> Option<&str> {
        self.lock.as_ref().and_then(FolderLock::note)
    }

    /// Refuses to go on in a folder that was removed or replaced under the run, where everything written would be lost or mixed.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn require_in_place(&self) -> Result<()> {
        if self.lock.as_ref().is_none_or(FolderLock::is_in_place) {
            return Ok(());
        }
        let message = "this folder was removed, moved or replaced while the run was going on, so that what it saved is not there; \
                       leave the folder of a run alone, and start it again";
        Err(Error::output(&self.path, message))
    }

    /// A file or folder in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Its checkpoints, whole or damaged, in the order in which `--resume auto` takes them: `last`, `previous`, kept ones from the
    /// highest number down.
    ///
    /// `last` comes first even where a kept one is further, for then the run was taken back on purpose.
    pub fn checkpoints(&self) -> Vec<PathBuf> {
        checkpoints(&self.path)
    }

    /// What a fresh start would destroy: a checkpoint with at least one step, or the best weights of a run.
    pub fn earlier_run(&self) -> Option<PathBuf> {
        let best = self.join(BEST_FILE);
        let worthless = |folder: &PathBuf| State::read(folder).is_ok_and(|state| state.step == 0);
        self.checkpoints().into_iter().find(|folder| !worthless(folder)).or_else(|| best.is_file().then_some(best))
    }

    /// Replaces `last` by the checkpoint that `write` makes in the folder it is given, keeps a copy of it under its number where `keep`
    /// says so, and makes `best`, where given, the best weights.
    ///
    /// # Errors
    /// Those of `write`; [`Error::Output`].
    pub fn save(&mut self, keep: Option<usize>, best: Option<&[u8]>, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        self.require_in_place()?;
        let [last, previous, unfinished, replaced, dropped] = [LAST, PREVIOUS, UNFINISHED, REPLACED, DROPPED].map(|name| self.join(name));
        self.remove(&unfinished)?;
        write(&unfinished)?;
        sync_folder(&unfinished)?;
        if let Some(bytes) = best {
            write_atomically(self.join(NEXT_BEST), |file| file.write_all(bytes))?;
        }
        if let Some(epoch) = keep {
            self.keep(&unfinished, epoch)?;
        }
        if self.rotation != Rotation::DropLast && previous.exists() {
            self.rename(&previous, &replaced)?;
        }
        match self.rotation {
            Rotation::Both if last.exists() => self.rename(&last, &previous)?,
            Rotation::Both => {}
            Rotation::DropLast | Rotation::DropBoth => {
                self.remove(&replaced)?;
                if last.exists() {
                    self.rename(&last, &dropped)?;
                }
            }
        }
        self.rename(&unfinished, &last)?;
        if best.is_some() {
            self.rename(&self.join(NEXT_BEST), &self.join(BEST_FILE))?;
        }
        sync_folder(&self.path)?;
        self.rotation = Rotation::Both;
        self.remove(&replaced)?;
        self.remove(&dropped)
    }

    /// Puts a copy of a finished checkpoint under its number; not a link, so that damage to the one leaves the other.
    fn keep(&self, checkpoint: &Path, epoch: usize) -> Result<()> {
        let name = format!("{KEPT_PREFIX}{epoch:04}");
        let (kept, copy) = (self.join(&name), self.join(&format!("{name}{TEMPORARY}")));
        self.remove(&copy)?;
        let failed = |e: io::Error| unwritable(&kept, &e);
        fs::create_dir(&copy).map_err(failed)?;
        for entry in fs::read_dir(checkpoint).map_err(failed)? {
            let file = entry.map_err(failed)?;
            copy_bytes(&file.path(), &copy.join(file.file_name())).map_err(failed)?;
        }
        sync_folder(&copy)?;
        // Should the process end here, `last` is still the epoch before, and this one is kept when it is done again.
        self.remove(&kept)?;
        self.rename(&copy, &kept)
    }

    fn recover(&self) -> Result<()> {
        let [last, previous, unfinished] = [LAST, PREVIOUS, UNFINISHED].map(|name| self.join(name));
        if !last.exists() && !matches!(condition_of_checkpoint(&unfinished), Condition::Damaged(_)) {
            self.rename(&unfinished, &last)?;
        }
        for replaced in [REPLACED, REPLACED_BEFORE].map(|name| self.join(name)) {
            if replaced.exists() && !previous.exists() { self.rename(&replaced, &previous)? } else { self.remove(&replaced)? }
        }
        self.remove(&unfinished)?;
        self.remove(&self.join(DROPPED))?;
        for unfinished in kept(&self.path, TEMPORARY) {
            self.remove(&unfinished)?;
        }
        let next_best = self.join(NEXT_BEST);
        if next_best.is_file() {
            let named = State::read(&last).ok().and_then(|state| state.best?.file);
            match FileMark::of_file(&next_best) {
                Ok(mark) if named == Some(mark) => self.rename(&next_best, &self.join(BEST_FILE))?,
                // Of an epoch that will be done again.
                _ => fs::remove_file(&next_best).map_err(|e| unwritable(&next_best, &e))?,
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to).map_err(|e| unwritable(to, &e))
    }

    fn remove(&self, folder: &Path) -> Result<()> {
        match fs::remove_dir_all(folder) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(unwritable(folder, &e)),
            _ => Ok(()),
        }
    }
}

/// The checkpoints of a run's folder, as [`RunFolder::checkpoints`] orders them.
pub fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let newest = [LAST, PREVIOUS].map(|name| folder.join(name)).into_iter().filter(|path| path.is_dir());
    newest.chain(kept(folder, "")).collect()
}

/// Folders named as kept checkpoints with this behind the number, the highest first.
fn kept(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix(KEPT_PREFIX)?.strip_suffix(suffix)?.parse::<u64>().ok();
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<(u64, PathBuf)> = paths.filter(|path| path.is_dir()).filter_map(|path| Some((number(&path)?, path))).collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

/// Copies a file by its bytes: what the system copies on file systems that share blocks is no copy.
fn copy_bytes(from: &Path, to: &Path) -> io::Result<()> {
    let bytes = fs::read(from)?;
    let mut file = File::create(to)?;
    file.write_all(&bytes)?;
    file.sync_all()
}

fn unwritable(path: &Path, e: &io::Error) -> Error {
    Error::output(path, format!("cannot be replaced ({e}); check the free space and the permissions of its folder"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::guard::{MODEL_FILE, OPTIMIZER_FILE, STATE_FILE, seal};

    /// Makes a checkpoint that is intact, of the least that this takes; `best` are the bytes that it names as the best weights.
    fn checkpoint(folder: &Path, mark: &str, best: &str) {
        fs::create_dir_all(folder).unwrap();
        let named = |text: &str| serde_json::to_value(FileMark::of(text.as_bytes())).unwrap();
        let state = serde_json::json!({
            "format": "meltcore-checkpoint/2", "meltcore": mark, "epoch": 1, "step": 1, "config_digest": "", "config": {},
            "rng": {"generator": "", "seed": 1}, "schedule": {"ReduceLROnPlateau": {"learning_rate": 1, "patience": 1, "stalled": 0}},
            "best": {"epoch": 1, "loss": 1, "criterion": "val_loss", "file": named(best)},
            "files": {MODEL_FILE: named(mark), OPTIMIZER_FILE: named("")},
        });
        fs::write(folder.join(MODEL_FILE), mark).unwrap();
        fs::write(folder.join(OPTIMIZER_FILE), "").unwrap();
        fs::write(folder.join(STATE_FILE), seal(&serde_json::to_string_pretty(&state).unwrap())).unwrap();
    }

    fn mark(folder: &Path) -> Option<String> {
        State::read(folder).ok().map(|state| state.meltcore)
    }

    /// What is there after a kill at every point of a replacement, and what must be there after the next start.
    #[test]
    fn every_crash_leaves_two_complete_checkpoints() {
        for (there, wanted) in [
            (&["last", "previous"][..], ["last", "previous"]),
            (&["last", "previous", "last.tmp"], ["last", "previous"]),
            (&["last", "previous.old", "last.tmp"], ["last", "previous.old"]),
            (&["previous", "previous.old", "last.tmp"], ["last.tmp", "previous"]),
            (&["last", "previous", "previous.old"], ["last", "previous"]),
            // A damaged `last` is replaced.
            (&["previous", "last.dropped", "last.tmp"], ["last.tmp", "previous"]),
            (&["last", "previous", "last.dropped"], ["last", "previous"]),
            // Left by versions before.
            (&["last.tmp", "last.old"], ["last.tmp", "last.old"]),
            (&["last", "last.old"], ["last", "last.old"]),
        ] {
            let run = tempfile::tempdir().unwrap();
            for name in there {
                checkpoint(&run.path().join(name), name, "");
            }
            let folder = RunFolder::open(run.path()).unwrap();
            let found = folder.checkpoints().iter().map(|path| mark(path).unwrap()).collect::<Vec<_>>();
            assert_eq!(found, wanted, "{there:?}");
            drop(folder);
            let names = fs::read_dir(run.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            assert_eq!(names.filter(|name| !name.starts_with('.')).count(), 2, "{there:?}");
        }
        // One that was cut short while it was written.
        let run = tempfile::tempdir().unwrap();
        checkpoint(&run.path().join("previous"), "previous", "");
        checkpoint(&run.path().join("last.tmp"), "last.tmp", "");
        fs::remove_file(run.path().join("last.tmp").join(STATE_FILE)).unwrap();
        let folder = RunFolder::open(run.path()).unwrap();
        assert_eq!(folder.checkpoints(), [run.path().join("previous")]);
    }

    #[test]
    fn best_weights_follow_the_checkpoint_that_names_them() {
        for (last, wanted) in [("new", "new"), ("old", "old")] {
            let run = tempfile::tempdir().unwrap();
            checkpoint(&run.path().join(LAST), "last", last);
            fs::write(run.path().join(BEST_FILE), "old").unwrap();
            fs::write(run.path().join(NEXT_BEST), "new").unwrap();
            RunFolder::open(run.path()).unwrap();
            assert_eq!(fs::read_to_string(run.path().join(BEST_FILE)).unwrap(), wanted);
            assert!(!run.path().join(NEXT_BEST).exists());
        }
    }

    #[test]
    fn checkpoints_follow_each_other_and_share_no_file() {
        let run = tempfile::tempdir().unwrap();
        let mut folder = RunFolder::open(run.path()).unwrap();
        assert!(folder.checkpoints().is_empty());
        let save = |folder: &mut RunFolder, epoch: usize, keep: bool| {
            let write = |to: &Path| {
                checkpoint(to, &epoch.to_string(), "best");
                Ok(())
            };
            folder.save(keep.then_some(epoch), Some(b"best"), write).unwrap();
        };
        let marks = |folder: &RunFolder| folder.checkpoints().iter().map(|path| mark(path).unwrap()).collect::<Vec<_>>();
        for epoch in [9, 10, 11] {
            save(&mut folder, epoch, epoch != 11);
        }
        assert_eq!(marks(&folder), ["11", "10", "10", "9"]);
        assert_eq!(fs::read(run.path().join(BEST_FILE)).unwrap(), b"best");
        #[cfg(unix)]
        for path in folder.checkpoints() {
            use std::os::unix::fs::MetadataExt;
            assert_eq!(fs::metadata(path.join(MODEL_FILE)).unwrap().nlink(), 1);
        }
        folder.rotation = Rotation::DropLast;
        save(&mut folder, 12, false);
        assert_eq!(marks(&folder)[..2], ["12", "10"]);
        folder.rotation = Rotation::DropBoth;
        save(&mut folder, 3, false);
        assert_eq!(marks(&folder), ["3", "10", "9"]);
        save(&mut folder, 4, false);
        assert_eq!(marks(&folder)[..2], ["4", "3"]);

        fs::remove_dir_all(run.path()).unwrap();
        let error = folder.save(None, None, |_| panic!("nothing is written any more")).unwrap_err();
        assert_eq!((error.exit_status(), error.to_string().contains("removed")), (4, true));
    }
}
