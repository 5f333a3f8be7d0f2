//! What tells whether a file is still the one that was opened: length, time of the last change and, on Unix, its identity.

use std::fs::Metadata;
use std::path::Path;
use std::time::SystemTime;

use crate::error::{Error, Result};

/// A file as it was at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileStamp {
    len: u64,
    modified: Option<SystemTime>,
    identity: Option<(u64, u64)>,
}

impl FileStamp {
    pub fn of(meta: &Metadata) -> FileStamp {
        FileStamp { len: meta.len(), modified: meta.modified().ok(), identity: identity(meta) }
    }

    /// Bytes of the file.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Refuses the file at `path` where it is the same one but was written to since.
    ///
    /// One that was replaced by renaming or removed is no concern of whoever holds the old one.
    pub fn refuse_changed(&self, path: &Path) -> Result<()> {
        match std::fs::metadata(path).map(|meta| FileStamp::of(&meta)) {
            Ok(now) if now.identity == self.identity => self.refuse_other(&now, path),
            _ => Ok(()),
        }
    }

    /// Refuses a file that is not this one any more by length or time; some network file systems number their files anew.
    pub fn refuse_other(&self, now: &FileStamp, path: &Path) -> Result<()> {
        if (now.len, now.modified) == (self.len, self.modified) {
            return Ok(());
        }
        let what = match (self.len, now.len) {
            (before, now) if before != now => format!("had {before} bytes when it was opened and has {now} now"),
            _ => "was written to after it was opened".into(),
        };
        Err(Error::input(path, format!("{what}, so that its pixels cannot be trusted; start again when nothing writes to it")))
    }
}

#[cfg(unix)]
fn identity(meta: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((meta.dev(), meta.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}
