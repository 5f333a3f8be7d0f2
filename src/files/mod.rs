//! Files as such, whatever is in them: outputs that appear whole or not at all, folders that one process holds, and digests that tell
//! whether a file is still the one that was written or read.

mod atomic;
mod digest;
mod leftovers;
mod lock;
mod stamp;

pub use atomic::{check_writable, replace_atomically, sync_folder, temporary_of, write_atomically};
pub use digest::{Digest, digest_of_file, fnv1a};
pub use leftovers::remove_leftovers;
pub use lock::FolderLock;
pub use stamp::Stamp;

use std::path::Path;

/// Whether two paths name the same file or folder, whatever links lead to it; false where one of them is not there.
pub fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
