//! Outputs that appear whole or not at all: written under a temporary name in the same folder, then renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::leftovers::remove_leftovers_once;
use crate::error::{Error, Result};

/// Removes the unfinished file unless it was renamed into place.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Nothing more can be done about a file that cannot be removed either.
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes a file through `write` under a temporary name in the same folder, and renames it when it is complete and on disk.
///
/// Missing folders are made. A reader of `path` sees the old content or the new one, never a part. While it is written, the file is
/// locked where the file system can do that, so that other processes know it for one that is worked on.
///
/// # Errors
/// [`Error::Output`] where the folder or the file cannot be made, filled or renamed.
pub fn write_atomically(path: impl AsRef<Path>, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
    let path = path.as_ref();
    replace_atomically(path, |temporary| {
        let failed = |e: io::Error| cannot_be_written(path, e);
        let file = File::create(temporary).map_err(failed)?;
        // A file system without locks: others go by the process's number alone.
        let _ = file.try_lock();
        let mut buffered = BufWriter::with_capacity(1 << 18, file);
        write(&mut buffered).map_err(failed)?;
        let file = buffered.into_inner().map_err(|e| failed(e.into_error()))?;
        file.sync_all().map_err(failed)
    })
}

/// [`write_atomically`] for whoever writes by path: `write` makes the file that it is given, which is renamed to `path` afterwards.
///
/// # Errors
/// [`Error::Output`] where the folder cannot be made or the file not be renamed; whatever `write` returns.
pub fn replace_atomically(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (temporary, mut unfinished) = begin(path)?;
    write(&temporary)?;
    fs::rename(&temporary, path).map_err(|e| match e.kind() {
        // Windows replaces no file that is mapped, nor one that is open in a program which does not allow that.
        io::ErrorKind::PermissionDenied if cfg!(windows) && path.exists() => {
            Error::output(path, format!("cannot be replaced ({e}); close the programs that have it open, or check its permissions"))
        }
        _ => cannot_be_written(path, e),
    })?;
    unfinished.0 = None;
    Ok(())
}

/// Whether [`write_atomically`] can begin, for whoever works long before writing: makes missing folders, and leaves `path` as it is.
///
/// # Errors
/// [`Error::Output`] where the folder or a file in it cannot be made.
pub fn check_writable(path: &Path) -> Result<()> {
    let (temporary, _unfinished) = begin(path)?;
    File::create(temporary).map(drop).map_err(|e| cannot_be_written(path, e))
}

/// A temporary name beside `path`, whose folder is there, and what removes the file of that name.
fn begin(path: &Path) -> Result<(PathBuf, Unfinished)> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(Error::output(path, "names no file; give a path that ends in a file name"));
    };
    if path.is_dir() {
        return Err(Error::output(path, "is a folder where a file is to be written; remove it or choose another path"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .map_err(|e| Error::output(folder, format!("this folder cannot be made ({e}); check the path and its permissions")).because(e))?;
    remove_leftovers_once(folder);

    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}.part", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    let temporary = folder.join(temporary);
    Ok((temporary.clone(), Unfinished(Some(temporary))))
}

/// The file that one of [`replace_atomically`]'s temporary names was for, and the process that made it: one that was killed, or that runs.
pub fn temporary_of(name: &str) -> Option<(&str, u32)> {
    let (file, numbers) = name.strip_prefix('.')?.strip_suffix(".part")?.rsplit_once('.')?;
    let (process, count) = numbers.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (!file.is_empty() && digits(process) && digits(count)).then(|| Some((file, process.parse().ok()?)))?
}

/// Makes the names in a folder durable: what was made in it, renamed into it or removed from it.
///
/// # Errors
/// [`Error::Output`] where the disk says that they are not. Systems that offer no such promise for folders (Windows; file systems that
/// answer that they cannot) are not in error: there they are as durable as the system makes them.
pub fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    match File::open(folder).and_then(|open| open.sync_all()) {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(Error::output(folder, format!("what was written into this folder may not be on disk ({e}); check the disk")))
        }
        _ => Ok(()),
    }
}

fn cannot_be_written(path: &Path, e: io::Error) -> Error {
    let cure = match e.kind() {
        io::ErrorKind::FileTooLarge => {
            "a limit on the size of files is set (ulimit -f), or the file system has one: raise it, or write elsewhere"
        }
        _ => "check the free space and the permissions of its folder",
    };
    Error::output(path, format!("cannot be written ({e}); {cure}"))
}

#[cfg(test)]
mod tests {
    use super::temporary_of;

    #[test]
    fn temporary_names_are_told_from_others() {
        assert_eq!(temporary_of(".2019_05_01.tif.17-3.part"), Some(("2019_05_01.tif", 17)));
        for name in ["a.17-3.part", ".a.17.part", ".a.17-.part", ".a.x-3.part", "..17-3.part", ".a.17-3", ".a.99999999999-3.part"] {
            assert_eq!(temporary_of(name), None, "{name}");
        }
    }
}
