//! Parts of files whose process was killed: the next process that writes into their folder removes them.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::temporary_of;

/// Removes what killed processes left half-written in a folder.
///
/// A part goes where its process is gone from this machine and nobody holds its lock, so that one which another machine writes on a shared
/// file system stays. What cannot be examined or removed stays as well: it is no reason to stop.
pub fn remove_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let parts: Vec<(PathBuf, u32)> =
        entries.flatten().filter_map(|entry| Some((entry.path(), temporary_of(entry.file_name().to_str()?)?.1))).collect();
    if parts.is_empty() {
        return;
    }
    let pids: Vec<Pid> = parts.iter().map(|(_, process)| Pid::from_u32(*process)).collect();
    let mut system = System::new();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), false, ProcessRefreshKind::nothing());
    for (path, process) in parts {
        // In containers every process may have the same number: one of this process's own number is of an earlier one, because a folder
        // is looked through before this process writes into it.
        let runs = process != std::process::id() && sysinfo::IS_SUPPORTED_SYSTEM && system.process(Pid::from_u32(process)).is_some();
        if runs || is_locked(&path) {
            continue;
        }
        // Stores of several files (Zarr) are folders.
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}

/// [`remove_leftovers`], the first time that this process comes to the folder.
pub(super) fn remove_leftovers_once(folder: &Path) {
    static SEEN: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    // By its real path, so that no spelling of it is looked through while this process writes there.
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // Held while the folder is looked through: no other thread may begin to write there before.
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.get_or_insert_default().insert(real.clone()) {
        remove_leftovers(&real);
    }
}

fn is_locked(path: &Path) -> bool {
    path.is_file() && File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_killed_processes_go_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: String| {
            fs::write(folder.path().join(&name), "x").unwrap();
            name
        };
        // Linux gives no number this high (PID_MAX_LIMIT); the parent runs this test.
        let dead = make(".a.tif.4194999-0.part".into());
        let own = make(format!(".a.tif.{}-0.part", std::process::id()));
        let held = make(".b.tif.4194999-1.part".into());
        #[cfg(unix)]
        let alive = make(format!(".a.tif.{}-0.part", std::os::unix::process::parent_id()));
        let others = make("a.tif.4194999-0.part".into());
        let store = ".a.zarr.4194999-2.part".to_owned();
        fs::create_dir_all(folder.path().join(&store).join("values")).unwrap();
        let lock = File::open(folder.path().join(&held)).unwrap();
        lock.try_lock_shared().unwrap();
        remove_leftovers(folder.path());
        let there = |name: &String| folder.path().join(name).exists();
        assert!(!there(&dead) && !there(&own) && !there(&store) && there(&held) && there(&others));
        #[cfg(unix)]
        assert!(there(&alive));
        drop(lock);
        remove_leftovers(folder.path());
        assert!(!there(&held));
    }

    #[test]
    fn a_folder_is_looked_through_before_the_first_write_only() {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join(".a.txt.4194999-0.part");
        for wanted in [false, true] {
            fs::write(&part, "x").unwrap();
            super::super::write_atomically(folder.path().join("b.txt"), |_| Ok(())).unwrap();
            assert_eq!(part.exists(), wanted);
        }
    }
}
