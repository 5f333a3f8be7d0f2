//! Which maps of a folder meltcore made, and which are finished: `maps.json` beside them says what they were made with.
//!
//! A map is made again when its file is not the one that was written, or one of the rasters it is made from is not the one that was read;
//! all of them, when weights, configuration or options are others, but not for another version of the program alone. Files that the list
//! does not know are nobody's to overwrite: a folder of rasters under the same names (the inputs!) is refused.
//!
//! Tasks that share the work ([`Shard`]) hold the folder together and write a list each, `maps.I-of-N.json`; all lists count. A task alone
//! afterwards finds what is finished, makes the rest, and leaves one list.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Destination, Shard};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::{self, Digest, FolderLock, Stamp, digest_of_file, write_atomically};
use crate::tasks::{self, Holds, MAPS_FILE};

const LOCK_FILE: &str = ".maps.lock";
/// Names that a message lists at most.
const SHOWN: usize = 3;

/// What makes the maps of a folder, beside the configuration.
#[derive(Debug)]
pub struct Maker<'a> {
    /// SHA-256 of the weight file; empty for what has no weights.
    pub weights: String,
    /// Everything else that the maps depend on.
    pub options: Value,
    /// The variable whose folder these maps may fill although it is one of the configuration's inputs.
    pub fills: Option<&'a str>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    /// Version of the program that wrote the list; of an earlier one there may be maps, which say so themselves.
    meltcore: String,
    /// What the maps are of.
    #[serde(flatten)]
    holds: Holds,
    /// [`Maker::weights`].
    weights: String,
    /// Everything else that the values of the maps depend on.
    settings: Map<String, Value>,
    /// Finished maps, by file name.
    days: Days,
    /// Every map that was begun here, finished or not, with whatever settings.
    #[serde(default)]
    known: BTreeSet<String>,
}

/// Finished maps; versions before listed their names alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Days {
    Made(BTreeMap<String, Made>),
    Named(BTreeSet<String>),
}

/// A finished map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    /// Digest of its file.
    map: Digest,
    /// Digest of the [`Stamp`]s of the rasters that it was made from, where that decides whether it is made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inputs: Option<Digest>,
}

/// The open list of a folder.
#[derive(Debug)]
pub struct Manifest {
    folder: PathBuf,
    content: Content,
    /// Finished maps of a version that wrote no digests.
    named: BTreeSet<String>,
    /// States of rasters that several days share.
    stamps: HashMap<PathBuf, Stamp>,
    /// Maps that other tasks' lists have as finished.
    of_others: BTreeMap<String, Made>,
    /// Its own file.
    file: PathBuf,
    /// Held as long as maps are written: the folder, and the part of a task among several.
    _locks: Vec<FolderLock>,
}

impl Manifest {
    /// Takes a folder for the maps of these days by this maker; the days that an equal earlier run finished are in the list.
    /// Returns what there is to tell, too: which maps are replaced, which stay.
    ///
    /// # Errors
    /// [`Error::Usage`] where the folder is one of the configuration's inputs, or holds files under these names that no `maps.json` there
    /// knows, unless the destination says to replace them; [`Error::Output`] where the folder cannot be used or another process holds it.
    pub fn open(to: Destination, config: &Config, maker: &Maker, wanted: &BTreeSet<String>) -> Result<(Manifest, Vec<String>)> {
        Manifest::open_shared(to, config, maker, wanted, None)
    }

    /// As [`Manifest::open`], of one of several tasks that fill the folder at the same time; `wanted` are its own maps.
    ///
    /// # Errors
    /// As [`Manifest::open`]; [`Error::Usage`] for a task among several where maps there were made with other settings.
    pub fn open_shared(
        to: Destination,
        config: &Config,
        maker: &Maker,
        wanted: &BTreeSet<String>,
        shard: Option<Shard>,
    ) -> Result<(Manifest, Vec<String>)> {
        refuse_input_folder(to.folder, config, maker.fills)?;
        let mut settings = config.map_keys();
        settings.insert("options".into(), maker.options.clone());
        let locks = locks(to.folder, shard)?;
        let mut notes: Vec<String> = locks[0].note().map(str::to_owned).into_iter().collect();
        let file = to.folder.join(shard.map_or(MAPS_FILE.to_owned(), |shard| part(&shard.name())));
        let earlier = read(&to.folder.join(MAPS_FILE));
        let parts = parts(to.folder);
        let all = || earlier.iter().chain(parts.iter().filter_map(|(_, list)| list.as_ref()));
        let known: BTreeSet<String> = all().flat_map(Content::known).collect();
        refuse_unknown(to, wanted, &known, all().next().is_some())?;

        let (meltcore, weights) = (env!("CARGO_PKG_VERSION").to_owned(), maker.weights.clone());
        let holds = Holds::of(tasks::of(config).as_ref());
        let mut content = Content { meltcore, holds, weights, settings, days: Days::Made(BTreeMap::new()), known };
        let (mut named, mut finished, mut own) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        let mut difference = None;
        for (list, is_own) in earlier
            .iter()
            .map(|list| (list, shard.is_none()))
            .chain(parts.iter().filter_map(|(path, list)| Some((list.as_ref()?, shard.is_none() || *path == file))))
        {
            match (content.difference(list), &list.days) {
                (None, Days::Made(days)) if is_own => own.extend(days.clone()),
                (None, Days::Made(days)) => finished.extend(days.clone()),
                (None, Days::Named(names)) => named.clone_from(names),
                (Some(other), _) => difference = Some(other),
            }
        }
        if let Some(difference) = difference {
            let there = |name: &&String| to.folder.join(name.as_str()).is_file();
            let folder = to.folder.display();
            if shard.is_some() {
                return Err(Error::Usage(format!(
                    "maps in {folder} were made with other settings ({difference}), and other tasks may still make some: let them end and clear \
                     the folder, or choose another with --out (without --shard they would be made again)"
                )));
            }
            let replaced = content.known.intersection(wanted).filter(there).count();
            notes.push(format!(
                "the maps in {folder} were made with other settings ({difference}) and are made again; {replaced} will be replaced"
            ));
            let stale = content.known.difference(wanted).filter(there).count();
            if stale > 0 {
                notes.push(format!(
                    "{stale} other map(s) of those settings stay in {folder}, and a report would show them beside the new ones; \
                     delete them, or choose another --out"
                ));
            }
        }
        if shard.is_some() {
            content.known.clear();
        }
        content.known.extend(wanted.iter().cloned());
        content.days = Days::Made(own);
        let folder = to.folder.to_owned();
        let manifest = Manifest { folder, content, named, stamps: HashMap::new(), of_others: finished, file, _locks: locks };
        if shard.is_none() && !parts.is_empty() {
            // One list from here on.
            manifest.write()?;
            remove_parts(to.folder)?;
        }
        Ok((manifest, notes))
    }

    /// Whether the map of this name is finished: its files are there as they were written, and `sources` are as they were read.
    pub(super) fn is_finished(&mut self, name: &str, pictures: bool, sources: &[PathBuf]) -> bool {
        let map = self.folder.join(name);
        // Before anything else, because these states must be older than the map that is made next.
        let inputs = self.inputs(sources);
        if pictures && !map.with_extension("png").is_file() {
            return false;
        }
        if self.named.contains(name) {
            return self.is_newer(&map, sources) && self.list(name, inputs).is_ok();
        }
        let Days::Made(days) = &self.content.days else { return false };
        let as_it_was = |made: &Made| made.inputs == inputs && digest_of_file(&map).is_ok_and(|(digest, _)| digest == made.map);
        inputs.is_some() && [days.get(name), self.of_others.get(name)].into_iter().flatten().any(as_it_was)
    }

    /// All that a version without digests could tell: the map is as large as others, and no raster is newer.
    fn is_newer(&self, map: &Path, sources: &[PathBuf]) -> bool {
        let modified = |path: &Path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
        let newest: Option<SystemTime> = sources.iter().filter_map(|path| modified(path)).max();
        modified(map).is_some_and(|made| Some(made) >= newest) && crate::data::raster::Raster::open(map).is_ok()
    }

    /// The digest of the states of some rasters; none where one cannot be read, which making the map will tell.
    fn inputs(&mut self, sources: &[PathBuf]) -> Option<Digest> {
        let mut text = String::new();
        for path in sources {
            if !self.stamps.contains_key(path) {
                self.stamps.insert(path.clone(), Stamp::of(path).ok()?);
            }
            text.push_str(&serde_json::to_string(self.stamps.get(path)?).ok()?);
        }
        Some(Digest::of(text.as_bytes()))
    }

    /// Notes on disk which maps are about to be made, so that a run that is stopped can go on in a folder that it knows.
    ///
    /// # Errors
    /// [`Error::Output`] where the list cannot be written.
    pub fn begin(&self) -> Result<()> {
        self.write()
    }

    /// Lists a map as finished, made from `sources`; without those it is made again at every run. Returns the digest of its file.
    ///
    /// # Errors
    /// [`Error::Output`] where the list cannot be written or the map not be read back.
    pub fn finish(&mut self, name: &str, sources: Option<&[PathBuf]>) -> Result<Digest> {
        let inputs = sources.and_then(|sources| self.inputs(sources));
        let digest = self.list(name, inputs)?;
        self.write()?;
        Ok(digest)
    }

    fn list(&mut self, name: &str, inputs: Option<Digest>) -> Result<Digest> {
        let map = self.folder.join(name);
        let (digest, _) =
            digest_of_file(&map).map_err(|e| Error::output(&map, format!("was written and cannot be read back ({e})")).because(e))?;
        if let Days::Made(days) = &mut self.content.days {
            days.insert(name.to_owned(), Made { map: digest, inputs });
        }
        Ok(digest)
    }

    fn write(&self) -> Result<()> {
        write_atomically(&self.file, |file| Ok(writeln!(file, "{}", serde_json::to_string_pretty(&self.content)?)?))
    }
}

impl Content {
    /// What differs, days aside.
    fn difference(&self, earlier: &Content) -> Option<String> {
        if self.weights != earlier.weights {
            return Some("weights".into());
        }
        let keys: BTreeSet<&String> = self.settings.keys().chain(earlier.settings.keys()).collect();
        let changed: Vec<&str> =
            keys.into_iter().filter(|key| self.settings.get(*key) != earlier.settings.get(*key)).map(String::as_str).collect();
        (!changed.is_empty()).then(|| changed.join(", "))
    }

    /// Every map that was begun.
    fn known(&self) -> BTreeSet<String> {
        let mut known = self.known.clone();
        match &self.days {
            Days::Made(days) => known.extend(days.keys().cloned()),
            Days::Named(names) => known.extend(names.iter().cloned()),
        }
        known
    }
}

/// Takes hold of a folder: alone, or as one of several tasks, of which none has the same part.
fn locks(folder: &Path, shard: Option<Shard>) -> Result<Vec<FolderLock>> {
    const CHOOSE: &str = "choose another with --out";
    let Some(shard) = shard else {
        let busy = "another process writes maps into this folder; wait for it, or choose another with --out";
        return Ok(vec![FolderLock::take(folder, LOCK_FILE, busy, CHOOSE)?]);
    };
    let busy = "a process without --shard writes maps into this folder; wait for it, or choose another with --out";
    let all = FolderLock::share(folder, LOCK_FILE, busy, CHOOSE)?;
    let busy = "another process makes this part of the maps; wait for it, or give another --shard";
    let own = FolderLock::take(folder, &lock_of_part(&shard.name()), busy, CHOOSE)?;
    Ok(vec![all, own])
}

/// The list of a task among several.
fn part(name: &str) -> String {
    format!("maps.{name}.json")
}

fn lock_of_part(name: &str) -> String {
    format!(".maps.{name}.lock")
}

/// The name of a task among several, of a file of [`part`] or [`lock_of_part`].
fn name_of_part<'a>(file: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let name = file.strip_prefix(before)?.strip_suffix(behind)?;
    let (index, count) = name.split_once("-of-")?;
    [index, count].iter().all(|number| number.parse::<usize>().is_ok()).then_some(name)
}

/// Files in a folder with these names around that of a task, sorted.
fn files_of_parts(folder: &Path, before: &str, behind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let of_part = entries.filter(|entry| entry.file_name().to_str().is_some_and(|file| name_of_part(file, before, behind).is_some()));
    let mut files: Vec<PathBuf> = of_part.map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// The lists of tasks that shared the work.
fn parts(folder: &Path) -> Vec<(PathBuf, Option<Content>)> {
    files_of_parts(folder, "maps.", ".json").into_iter().map(|path| (path.clone(), read(&path))).collect()
}

/// Removes what tasks that shared the work have left; none of them runs.
fn remove_parts(folder: &Path) -> Result<()> {
    for path in [files_of_parts(folder, "maps.", ".json"), files_of_parts(folder, ".maps.", ".lock")].concat() {
        std::fs::remove_file(&path).map_err(|e| Error::output(&path, format!("cannot be removed ({e}); remove it by hand")).because(e))?;
    }
    Ok(())
}

/// The list of a folder; none where there is none, or none that can be read: then no file there is known.
fn read(path: &Path) -> Option<Content> {
    std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}

/// Maps have the names of the rasters that they are made from.
fn refuse_input_folder(folder: &Path, config: &Config, fills: Option<&str>) -> Result<()> {
    let inputs = config.variable_paths.iter().filter(|(variable, _)| Some(variable.as_str()) != fills);
    let Some((variable, path)) = inputs.into_iter().find(|(_, path)| path.is_dir() && files::is_same(path, folder)) else { return Ok(()) };
    let fills = fills.map(|fills| format!(" (only path_{fills} may be filled this way)")).unwrap_or_default();
    Err(Error::Usage(format!(
        "maps cannot go to {}: it is the folder of path_{variable} ({}), whose rasters have the names of the maps and would be overwritten; \
         choose another with --out{fills}",
        folder.display(),
        path.display()
    )))
}

fn refuse_unknown(to: Destination, wanted: &BTreeSet<String>, known: &BTreeSet<String>, listed: bool) -> Result<()> {
    if to.replace {
        return Ok(());
    }
    let files = |name: &String| {
        let map = to.folder.join(name);
        let picture = to.pictures.then(|| map.with_extension("png"));
        [Some(map), picture]
            .into_iter()
            .flatten()
            .find(|path| path.symlink_metadata().map_or_else(|e| e.kind() != ErrorKind::NotFound, |_| true))
    };
    let unknown: Vec<String> =
        wanted.difference(known).filter_map(files).filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let more = if unknown.len() > SHOWN { format!(" and {} more", unknown.len() - SHOWN) } else { String::new() };
    let list = if listed { "that its maps.json does not list" } else { "and no maps.json that lists them" };
    Err(Error::Usage(format!(
        "{} holds {}{more} {list}: meltcore did not make them, or an older version did. They would be overwritten; choose another folder with \
         --out, or replace them with --force",
        to.folder.display(),
        unknown[..unknown.len().min(SHOWN)].join(", ")
    )))
}

/// The digests of several weight files, joined by `+`.
///
/// # Errors
/// [`Error::Usage`] where two of them are the same network, which a mean would count twice; those of [`weights_digest`].
pub fn weights_digest_of(paths: &[PathBuf]) -> Result<String> {
    let digests = paths.iter().map(|path| weights_digest(path)).collect::<Result<Vec<_>>>()?;
    for (second, digest) in digests.iter().enumerate() {
        if let Some(first) = digests[..second].iter().position(|other| other == digest) {
            let [first, second] = [first, second].map(|place| paths[place].display());
            return Err(Error::Usage(format!("{first} and {second} are the same network, and a mean would count it twice; name it once")));
        }
    }
    Ok(digests.join("+"))
}

/// SHA-256 of a weight file in hexadecimal digits.
///
/// # Errors
/// [`Error::Weights`] where it cannot be read.
pub fn weights_digest(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path)
        .map_err(|e| Error::Weights { path: path.to_owned(), message: format!("the weights cannot be read ({e}); check the path") })?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
