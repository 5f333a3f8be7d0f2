//! Whether an input is still the file that it was: by its length, its time and its first bytes, without reading all of it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::Digest;

/// First bytes that are looked at: a raster's header, and some of its pixels.
const HEAD: u64 = 1 << 12;

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Length, bytes.
    pub bytes: u64,
    /// Last modification, nanoseconds since 1970 in text, because JSON readers round large numbers; empty where the system does not tell.
    pub modified: String,
    /// Digest of the first 4096 bytes.
    pub head: Digest,
}

impl Stamp {
    /// The state of a file now.
    ///
    /// # Errors
    /// Whatever examining and reading it gives.
    pub fn of(path: &Path) -> io::Result<Stamp> {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        let mut head = Vec::new();
        file.take(HEAD).read_to_end(&mut head)?;
        let modified = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.map_or_else(String::new, |since| since.as_nanos().to_string());
        Ok(Stamp { bytes: meta.len(), modified, head: Digest::of(&head) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn length_time_and_first_bytes_each_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let write = |text: &str, seconds: u64| {
            std::fs::write(&path, text).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
            Stamp::of(&path).unwrap()
        };
        let first = write("ice", 1_000_000);
        assert_eq!(write("ice", 1_000_000), first);
        // An older file in its place is another file, too.
        assert_ne!(write("ice", 999_999), first);
        assert_ne!(write("others", 1_000_000), first);
        assert_ne!(write("icy", 1_000_000), first);
        assert!(Stamp::of(&folder.path().join("none")).is_err());
    }
}
