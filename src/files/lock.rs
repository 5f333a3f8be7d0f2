//! A folder that one process at a time writes into.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::remove_leftovers;
use crate::error::{Error, Result};

/// A folder held by this process until dropped, alone or with others that share it.
#[derive(Debug)]
pub struct FolderLock {
    /// The system releases the lock with the file, also where the process is killed.
    file: File,
    path: PathBuf,
    note: Option<String>,
}

impl FolderLock {
    /// Makes a folder where it is missing, takes the lock file `name` in it, and removes what killed processes left half-written there.
    ///
    /// `busy` says what another process that holds it does there, and what to do; `choose` how to choose another folder.
    ///
    /// # Errors
    /// [`Error::Output`] where the folder cannot be made or written, or another process holds it.
    pub fn take(folder: &Path, name: &str, busy: &str, choose: &str) -> Result<FolderLock> {
        FolderLock::locked(folder, name, busy, choose, File::try_lock)
    }

    /// As [`FolderLock::take`], beside others that share it.
    ///
    /// # Errors
    /// [`Error::Output`] where the folder cannot be made or written, or another process holds it alone.
    pub fn share(folder: &Path, name: &str, busy: &str, choose: &str) -> Result<FolderLock> {
        FolderLock::locked(folder, name, busy, choose, File::try_lock_shared)
    }

    fn locked(
        folder: &Path,
        name: &str,
        busy: &str,
        choose: &str,
        lock: impl FnOnce(&File) -> Result<(), TryLockError>,
    ) -> Result<FolderLock> {
        let unusable = |e: io::Error| {
            Error::output(folder, format!("this folder cannot be used ({e}); check its permissions, or {choose}")).because(e)
        };
        fs::create_dir_all(folder).map_err(unusable)?;
        let path = folder.join(name);
        let file = File::options().create(true).append(true).open(&path).map_err(unusable)?;
        let note = match lock(&file) {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => return Err(Error::output(folder, busy)),
            Err(TryLockError::Error(e)) if is_without_locks(&e) => Some(format!(
                "the file system of {} has no locks ({e}): nothing keeps two processes from writing there at once, so run only one",
                folder.display()
            )),
            Err(TryLockError::Error(e)) => return Err(unusable(e)),
        };
        remove_leftovers(folder);
        Ok(FolderLock { file, path, note })
    }

    /// Whether the lock file is still where it was taken: not where the folder was removed, moved or replaced meanwhile.
    pub fn is_in_place(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
            matches!((self.file.metadata().map(identity), fs::metadata(&self.path).map(identity)), (Ok(held), Ok(there)) if held == there)
        }
        // No such numbers on stable Rust; Windows removes no folder with an open file.
        #[cfg(not(unix))]
        {
            self.file.metadata().is_ok() && self.path.is_file()
        }
    }

    /// What to tell the user once: that the file system has no locks.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }
}

/// Whether a lock failed because there are none: not offered (ENOSYS, EOPNOTSUPP), or no lock daemon answers (NFS without lockd: ENOLCK;
/// autofs and some cluster file systems: 524, the kernel's own ENOTSUPP).
fn is_without_locks(e: &io::Error) -> bool {
    /// errno values that std has no kind for (POSIX's ENOLCK on Linux and on the BSDs; include/linux/errno.h).
    const NO_LOCKS: &[i32] = if cfg!(target_os = "linux") { &[37, 95, 524] } else { &[45, 77] };
    e.kind() == io::ErrorKind::Unsupported || cfg!(unix) && e.raw_os_error().is_some_and(|code| NO_LOCKS.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_holder() {
        let folder = tempfile::tempdir().unwrap();
        let take = || FolderLock::take(folder.path(), ".lock", "another process writes here", "choose another");
        let held = take().unwrap();
        assert_eq!(held.note(), None);
        let error = take().unwrap_err();
        assert_eq!((error.exit_status(), error.to_string().contains("another process writes here")), (4, true));
        drop(held);
        let share = || FolderLock::share(folder.path(), ".lock", "another process writes here", "choose another");
        let shared = [share().unwrap(), share().unwrap()];
        take().unwrap_err();
        drop(shared);
        let held = take().unwrap();
        share().unwrap_err();
        assert!(held.is_in_place());
        #[cfg(unix)]
        {
            fs::remove_file(folder.path().join(".lock")).unwrap();
            assert!(!held.is_in_place());
            take().unwrap();
            assert!(!held.is_in_place());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn file_systems_without_locks_are_told_from_broken_ones() {
        for (code, without) in [(37, true), (38, true), (95, true), (524, true), (5, false), (13, false), (28, false)] {
            assert_eq!(is_without_locks(&io::Error::from_raw_os_error(code)), without, "errno {code}");
        }
    }
}
