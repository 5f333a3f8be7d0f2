//! The record of a packed folder (`pack.json`): what each file is made of, written before any file is.
//!
//! Files appear whole or not at all, and those that the record no longer describes are removed before it is replaced. So a file that is
//! there is the one that the record describes, wherever the last run was stopped, and there is nothing to note when a file is finished.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::grid::Grid;
use crate::data::beside::companions;
use crate::data::inventory::name_some;
use crate::data::variable_files::is_tiff;
use crate::error::{Error, Result};
use crate::files::{FolderLock, write_atomically};

const RECORD: &str = "pack.json";
const LOCK: &str = ".pack.lock";
const FORMAT: &str = "meltcore-pack/1";

/// What a file is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    source: String,
    source_bytes: u64,
    /// Nanoseconds since 1970 in text, because JSON readers round large numbers.
    source_modified: String,
    recipe: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: String,
    files: BTreeMap<String, Entry>,
}

impl Entry {
    /// The state of a source now, and what is done with it.
    pub fn of(source: &Path, recipe: String) -> Result<Entry> {
        let unreadable =
            |e: std::io::Error| Error::input(source, format!("cannot be examined ({e}); check the path and its permissions")).because(e);
        let meta = fs::metadata(source).map_err(unreadable)?;
        let modified = |meta: &fs::Metadata| meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        // Notes and masks beside it change what the source means.
        let beside = companions(source).iter().map(fs::metadata).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        let (bytes, modified) = beside
            .iter()
            .fold((meta.len(), modified(&meta)), |(bytes, latest), meta| (bytes.saturating_add(meta.len()), latest.max(modified(meta))));
        Ok(Entry {
            source: fs::canonicalize(source).map_err(unreadable)?.display().to_string(),
            source_bytes: bytes,
            source_modified: modified.map_or_else(String::new, |since| since.as_nanos().to_string()),
            recipe,
        })
    }

    /// The source and its state, in words.
    pub fn words(&self) -> String {
        format!("{} ({} bytes of {})", self.source, self.source_bytes, self.source_modified)
    }

    /// What stays the same where its source is renamed.
    fn state(&self) -> (u64, &str, &str) {
        (self.source_bytes, &self.source_modified, &self.recipe)
    }
}

/// The entries of a record that other files take the place of: what was made in the same way of a source that is wanted under another
/// name now, or of one that was renamed itself since.
fn superseded(files: &BTreeMap<String, Entry>, wanted: &BTreeMap<String, Entry>) -> Vec<String> {
    let sources: BTreeSet<(&str, &str)> = wanted.values().map(|entry| (&*entry.source, &*entry.recipe)).collect();
    let states: BTreeSet<(u64, &str, &str)> = wanted.values().map(Entry::state).collect();
    let is_renamed = |entry: &Entry| states.contains(&entry.state()) && !Path::new(&entry.source).exists();
    let is_wanted = |entry: &Entry| sources.contains(&(&*entry.source, &*entry.recipe)) || is_renamed(entry);
    files.iter().filter(|(name, entry)| !wanted.contains_key(*name) && is_wanted(entry)).map(|(name, _)| name.clone()).collect()
}

/// A folder that this process alone packs into.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    lock: FolderLock,
    replaced: Vec<PathBuf>,
}

impl Folder {
    /// Takes a folder for these files: removes what was made otherwise or is called otherwise now, then notes the plan.
    pub fn claim(path: &Path, wanted: BTreeMap<String, Entry>, grid: &Grid) -> Result<Folder> {
        let busy = "another process packs into this folder; wait for it, or choose another folder";
        let lock = FolderLock::take(path, LOCK, busy, "choose another")?;
        let mut files = read(&path.join(RECORD))?;
        if let Some(name) = wanted.keys().find(|name| !files.contains_key(*name) && path.join(name).exists()) {
            return Err(Error::Usage(format!(
                "--out {} holds a {name} that pack did not make; choose another folder, or remove the file",
                path.display()
            )));
        }
        refuse_renamed(path, &files, &wanted, grid)?;
        let remove = |file: &Path| match fs::remove_file(file) {
            Err(e) if e.kind() != ErrorKind::NotFound => {
                Err(Error::output(file, format!("is out of date and cannot be removed ({e})")).because(e))
            }
            _ => Ok(()),
        };
        let mut replaced = Vec::new();
        for name in superseded(&files, &wanted) {
            remove(&path.join(&name))?;
            files.remove(&name);
            replaced.push(PathBuf::from(name));
        }
        for (name, entry) in wanted {
            let file = path.join(&name);
            if files.insert(name, entry.clone()).is_some_and(|before| before != entry) {
                remove(&file)?;
            }
        }
        let record = Record { format: FORMAT.into(), files };
        let text = serde_json::to_string_pretty(&record)
            .map_err(|e| Error::output(path, format!("the record has no JSON form ({e})")).because(e))?;
        write_atomically(path.join(RECORD), |out| writeln!(out, "{text}"))?;
        Ok(Folder { path: path.to_owned(), lock, replaced })
    }

    /// What to tell the user about the folder.
    pub fn notes(&self) -> Vec<String> {
        let (count, some) = (self.replaced.len(), name_some(&self.replaced));
        let replaced = (count > 0).then(|| format!("{count} file(s) of an earlier run are replaced by files of other names: {some}"));
        self.lock.note().map(str::to_owned).into_iter().chain(replaced).collect()
    }

    /// Whether a file is there, whole, and readable in place.
    pub fn is_done(&self, name: &str, grid: &Grid) -> bool {
        super::is_made(&self.path.join(name), grid)
    }
}

/// Refuses a folder where files that were made are gone and rasters like them are there under other names: they would be made once more.
fn refuse_renamed(path: &Path, files: &BTreeMap<String, Entry>, wanted: &BTreeMap<String, Entry>, grid: &Grid) -> Result<()> {
    let Some(gone) = wanted.keys().find(|name| files.contains_key(*name) && !path.join(name).exists()) else { return Ok(()) };
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let is_other = |name: &&String| is_tiff(name) && !files.contains_key(*name) && super::is_made(&path.join(name), grid);
    match names.iter().find(is_other) {
        Some(other) => Err(Error::Usage(format!(
            "--out {} lacks {gone}, which pack made, and holds {other}, which it did not make under that name: after a renaming the same maps \
             would lie there twice. Choose another folder, or empty this one and pack again (a date in the sources' names, or --date PATTERN, \
             calls files YYYY_MM_DD.tif)",
            path.display()
        ))),
        None => Ok(()),
    }
}

/// The entries of an earlier record; none where there is no such file.
fn read(path: &Path) -> Result<BTreeMap<String, Entry>> {
    let cure = "remove it and the files beside it, or choose another folder";
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(Error::input(path, format!("the record of this folder cannot be read ({e}); {cure}"))),
    };
    match serde_json::from_str::<Record>(&text) {
        Ok(record) if record.format == FORMAT => Ok(record.files),
        Ok(record) => Err(Error::input(path, format!("is a record of another version (`{}`, not `{FORMAT}`); {cure}", record.format))),
        Err(e) => Err(Error::input(path, format!("is no record of pack ({e}); {cure}"))),
    }
}
