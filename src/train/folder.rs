//! The folder of a run: who holds it, which checkpoints it has, and how `last` is replaced so that one complete checkpoint is always there.
//!
//! A checkpoint is written whole as `last.tmp`; then `last` becomes `last.old`, `last.tmp` becomes `last`, and `last.old` is removed.
//! Killed before the first renaming, `last` is the earlier checkpoint; between the two, there is no `last` but a complete `last.tmp`,
//! which [`RunFolder::open`] puts into place; after the second, `last` is the new one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::checkpoint::{STATE_FILE, State};
use crate::error::{Error, Result};
use crate::files::FolderLock;

/// The checkpoint that the next epoch replaces.
pub const LAST: &str = "last";
/// Weights of the best epoch so far.
pub const BEST_FILE: &str = "best.safetensors";
const UNFINISHED: &str = "last.tmp";
const REPLACED: &str = "last.old";
const KEPT_PREFIX: &str = "epoch_";
const LOCK_FILE: &str = ".lock";

/// The folder `path_checkpoints`, held by this process until dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    lock: FolderLock,
}

impl RunFolder {
    /// Makes the folder where it is missing, takes its lock, and completes a replacement that was cut short.
    ///
    /// # Errors
    /// [`Error::Output`] where the folder cannot be made or written, or another process holds it.
    pub fn open(path: &Path) -> Result<RunFolder> {
        let busy = "another process trains into this folder; wait for it, stop it, or set another path_checkpoints";
        let lock = FolderLock::take(path, LOCK_FILE, busy, "set another path_checkpoints")?;
        let folder = RunFolder { path: path.to_owned(), lock };
        folder.recover()?;
        Ok(folder)
    }

    /// What to tell the user about the folder.
    pub fn note(&self) -> Option<&str> {
        self.lock.note()
    }

    /// A file or folder in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The checkpoint that `--resume auto` takes: `last`, else the kept one with the highest number.
    ///
    /// `last` comes first even where a kept one is further, for then the run was taken back on purpose.
    pub fn newest(&self) -> Option<PathBuf> {
        let last = self.join(LAST);
        if is_complete(&last) {
            return Some(last);
        }
        let kept = fs::read_dir(&self.path).ok()?.flatten().map(|entry| entry.path());
        let number = |path: &Path| path.file_name()?.to_str()?.strip_prefix(KEPT_PREFIX)?.parse::<u64>().ok();
        kept.filter(|path| is_complete(path)).filter_map(|path| Some((number(&path)?, path))).max().map(|(_, path)| path)
    }

    /// What a fresh start would destroy: a checkpoint with at least one step, or the best weights of a run.
    pub fn earlier_run(&self) -> Option<PathBuf> {
        let best = self.join(BEST_FILE);
        let worthless = |folder: &Path| State::read(folder).is_ok_and(|state| state.step == 0);
        self.newest().filter(|folder| !worthless(folder)).or_else(|| best.is_file().then_some(best))
    }

    /// Replaces `last` by the checkpoint that `write` makes in the folder it is given, and keeps it under its number where `keep` says so.
    ///
    /// # Errors
    /// Those of `write`; [`Error::Output`].
    pub fn save(&self, keep: Option<usize>, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let (last, unfinished, replaced) = (self.join(LAST), self.join(UNFINISHED), self.join(REPLACED));
        self.remove(&unfinished)?;
        write(&unfinished)?;
        sync_folder(&unfinished);
        if let Some(epoch) = keep {
            self.keep(&unfinished, epoch)?;
        }
        self.remove(&replaced)?;
        if last.exists() {
            self.rename(&last, &replaced)?;
        }
        self.rename(&unfinished, &last)?;
        sync_folder(&self.path);
        self.remove(&replaced)
    }

    /// Puts a copy of a finished checkpoint under its number, sharing the files where the file system can.
    fn keep(&self, checkpoint: &Path, epoch: usize) -> Result<()> {
        let name = format!("{KEPT_PREFIX}{epoch:04}");
        let (kept, copy) = (self.join(&name), self.join(&format!("{name}.tmp")));
        self.remove(&copy)?;
        let failed = |e: io::Error| unwritable(&kept, &e);
        fs::create_dir(&copy).map_err(failed)?;
        for entry in fs::read_dir(checkpoint).map_err(failed)? {
            let file = entry.map_err(failed)?;
            let target = copy.join(file.file_name());
            fs::hard_link(file.path(), &target).or_else(|_| fs::copy(file.path(), &target).map(|_| ())).map_err(failed)?;
        }
        sync_folder(&copy);
        // Should the process end here, `last` is still the epoch before, and this one is kept when it is done again.
        self.remove(&kept)?;
        self.rename(&copy, &kept)
    }

    fn recover(&self) -> Result<()> {
        let (last, unfinished, replaced) = (self.join(LAST), self.join(UNFINISHED), self.join(REPLACED));
        let complete = [&unfinished, &replaced].into_iter().find(|folder| is_complete(folder));
        if let (false, Some(complete)) = (is_complete(&last), complete) {
            self.remove(&last)?;
            self.rename(complete, &last)?;
        }
        self.remove(&unfinished)?;
        if is_complete(&last) { self.remove(&replaced) } else { Ok(()) }
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

fn unwritable(path: &Path, e: &io::Error) -> Error {
    Error::output(path, format!("cannot be replaced ({e}); check the free space and the permissions of its folder"))
}

fn is_complete(checkpoint: &Path) -> bool {
    checkpoint.join(STATE_FILE).is_file()
}

/// Makes renamings in a folder durable where the system offers that; elsewhere they are as durable as it makes them.
fn sync_folder(folder: &Path) {
    if let Ok(open) = File::open(folder) {
        let _ = open.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a checkpoint that holds nothing but its mark of completeness.
    fn checkpoint(folder: &Path, mark: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(STATE_FILE), mark).unwrap();
    }

    fn mark(folder: &Path) -> Option<String> {
        fs::read_to_string(folder.join(STATE_FILE)).ok()
    }

    /// What is there after a kill at every point of a replacement, and what must be there after the next start.
    #[test]
    fn every_crash_leaves_a_complete_checkpoint() {
        for (there, unfinished_is_complete, wanted) in [
            (&["last", "last.tmp"][..], false, "last"),
            (&["last", "last.tmp"], true, "last"),
            (&["last.tmp", "last.old"], true, "last.tmp"),
            (&["last", "last.old"], true, "last"),
            (&["last.old"], true, "last.old"),
            (&["last"], true, "last"),
        ] {
            let run = tempfile::tempdir().unwrap();
            for name in there {
                checkpoint(&run.path().join(name), name);
            }
            if !unfinished_is_complete {
                fs::remove_file(run.path().join("last.tmp").join(STATE_FILE)).unwrap();
            }
            let folder = RunFolder::open(run.path()).unwrap();
            assert_eq!(mark(&folder.newest().unwrap()).as_deref(), Some(wanted), "{there:?}");
            assert!(!folder.join(UNFINISHED).exists() && !folder.join(REPLACED).exists(), "{there:?}");
        }
    }

    #[test]
    fn kept_checkpoints_stay_and_last_comes_first() {
        let run = tempfile::tempdir().unwrap();
        let folder = RunFolder::open(run.path()).unwrap();
        assert_eq!(folder.newest(), None);
        for epoch in [9, 10, 11] {
            folder
                .save((epoch == 10).then_some(epoch), |to| {
                    checkpoint(to, &epoch.to_string());
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(mark(&folder.newest().unwrap()).as_deref(), Some("11"));
        fs::remove_dir_all(folder.join(LAST)).unwrap();
        checkpoint(&folder.join("epoch_0002"), "2");
        checkpoint(&folder.join("epoch_none"), "x");
        assert_eq!(mark(&folder.newest().unwrap()).as_deref(), Some("10"));
    }
}
