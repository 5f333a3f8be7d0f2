//! Whether an output may take the place of a file that is there: one of its own kind may, others go by `--force` only.

use crate::config::Config;
use crate::data::day::{Split, read_split_csv};
use crate::error::{Error, Result};
use crate::files::is_same;
use crate::image::SOFTWARE;
use crate::tasks::MAPS_FILE;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes from the start of a file that tell its kind.
const HEAD: u64 = 1 << 16;

/// Refuses to replace a file that is not of the kind that `is_own` tells from its first 65 536 bytes; `kind` names that kind.
///
/// # Errors
/// [`Error::Usage`] for such a file, and for one that cannot be read to find out; [`Error::Output`] for a folder.
pub fn refuse_foreign(path: &Path, kind: &str, force: bool, is_own: impl Fn(&[u8]) -> bool) -> Result<()> {
    if path.is_dir() {
        return Err(Error::output(path, "is a folder where a file is to be written; remove it or choose another path"));
    }
    if force || !path.is_file() {
        return Ok(());
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    if read.is_ok() && (head.is_empty() || is_own(&head)) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{} is there already and is no {kind} of meltcore: it would be overwritten; choose another name, or replace it with --force",
        path.display()
    )))
}

/// Refuses a folder for pictures of the days of a split (`YYYY_MM_DD.png`) that holds rasters or maps with pictures of the same names, or
/// such pictures that are not of this program.
///
/// # Errors
/// [`Error::Usage`]; those of reading the list of days.
pub fn refuse_foreign_pictures(folder: &Path, config: &Config, split: Split, force: bool) -> Result<()> {
    let input = config.variable_paths.iter().find(|(_, path)| path.is_dir() && is_same(path, folder));
    let is_of_maps = folder.join(MAPS_FILE).is_file();
    if input.is_some() || is_of_maps {
        let what = input.map_or("a folder of maps".into(), |(variable, _)| format!("the folder of path_{variable}"));
        let folder = folder.display();
        return Err(Error::Usage(format!(
            "pictures of scenes cannot go to {folder}: it is {what}, which has pictures of its own; choose another folder"
        )));
    }
    let days = read_split_csv(config.require_split_csv(split.name())?, config.domain().unit)?;
    let is_own = |head: &[u8]| holds(head, format!("Software\0{SOFTWARE}").as_bytes());
    days.iter().try_for_each(|day| refuse_foreign(&folder.join(day.file_name()).with_extension("png"), "picture", force, is_own))
}

/// Whether bytes occur in others.
pub fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
