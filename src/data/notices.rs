//! What readers found that a user should know, told once a folder: they read on many threads, far from whoever watches.
//!
//! A notice waits here until the watcher of the work asks for it. Nothing depends on a notice but what is shown.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[derive(Default)]
struct Notices {
    told: HashSet<(PathBuf, &'static str)>,
    waiting: Vec<String>,
}

static NOTICES: Mutex<Option<Notices>> = Mutex::new(None);

fn with<R>(act: impl FnOnce(&mut Notices) -> R) -> R {
    act(NOTICES.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// Tells something about a file, unless the same kind of thing was told of its folder in this process.
///
/// `text` follows the file's name.
pub fn tell_once_a_folder(file: &Path, kind: &'static str, text: impl FnOnce() -> String) {
    let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
    with(|notices| {
        if notices.told.insert((folder, kind)) {
            notices.waiting.push(format!("{}: {} (said once a folder)", file.display(), text()));
        }
    });
}

/// The notices that nobody has been told of yet, in the order of their coming.
pub fn take() -> Vec<String> {
    with(|notices| std::mem::take(&mut notices.waiting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_folder_and_kind() {
        for (file, kind) in [("x/1.tif", "a"), ("x/2.tif", "a"), ("x/2.tif", "b"), ("y/1.tif", "a")] {
            tell_once_a_folder(Path::new(file), kind, || format!("says {kind}"));
        }
        let told: Vec<String> = take().into_iter().filter(|text| text.contains("says")).collect();
        let wanted = ["x/1.tif: says a", "x/2.tif: says b", "y/1.tif: says a"].map(|text| format!("{text} (said once a folder)"));
        assert_eq!(told, wanted);
        assert!(!take().iter().any(|text| text.contains("says")));
    }
}
