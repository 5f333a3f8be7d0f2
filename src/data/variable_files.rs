//! Which file of a variable belongs to which day.
//!
//! A folder's files are called `YYYY_MM_DD.tif`, or, where none is, anything with one date in it: then the folder is looked through once.
//! Files of scenes are called by them, as GeoTIFF or as PNG, in the folder itself or, as those of CaFFe (Gourmelon et al. 2022, ESSD 14,
//! 4287), in `train` and `test` below it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::dated_names::days_in;
use super::day::Day;
use super::grey_png::is_called_png;
use super::notices::tell_once_a_folder;
use crate::domains::{Source, Variable};
use crate::error::{Error, Result};

/// Where the rasters of a variable are.
#[derive(Debug, Clone)]
pub(crate) struct VariableFiles {
    path: PathBuf,
    source: Source,
    /// Files that are not called `YYYY_MM_DD.tif`, in a folder where none is, and those of scenes that are not called `NAME.tif`.
    dated: BTreeMap<Day, PathBuf>,
}

impl VariableFiles {
    /// The files of a variable; `path` is its folder, or the file of a constant one. One of the days is enough to tell how they are
    /// called, so that a folder of files `YYYY_MM_DD.tif` is not looked through.
    ///
    /// # Errors
    /// [`Error::Input`] for a folder with two files of one day.
    pub fn of(variable: &Variable, path: &Path, days: &[Day]) -> Result<VariableFiles> {
        let plain = VariableFiles { path: path.to_owned(), source: variable.source, dated: BTreeMap::new() };
        let is_plain = |day: &Day| variable.source != Source::Daily || plain.file(day).is_file();
        if variable.source == Source::Daily && days.iter().any(|day| day.scene.is_some()) {
            let other = |day: &Day| Some((*day, scene_file(path, day, variable.suffix)?));
            return Ok(VariableFiles { dated: days.iter().filter(|day| !plain.file(day).is_file()).filter_map(other).collect(), ..plain });
        }
        match days.first().is_none_or(is_plain) || !path.is_dir() {
            true => Ok(plain),
            false => VariableFiles::listed(variable, path).map(|(files, _)| files),
        }
    }

    /// As [`VariableFiles::of`] of a daily variable, with the days that have a file; a folder without any is no error here.
    ///
    /// # Errors
    /// [`Error::Input`] for a folder that cannot be read, or has two files of one day.
    pub fn listed(variable: &Variable, folder: &Path) -> Result<(VariableFiles, BTreeSet<Day>)> {
        let mut names = tiffs_in(folder).map_err(|e| {
            Error::input(folder, format!("this folder cannot be read ({e}); check `path_{}`", variable.files_of())).because(e)
        })?;
        names.sort();
        let (mut plain, mut dated, mut undated) = (BTreeSet::new(), BTreeMap::<Day, Vec<&String>>::new(), Vec::new());
        for name in &names {
            let found = days_in(Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default());
            match (Day::from_file_name(name), found.first()) {
                (Some(day), _) => drop(plain.insert(day)),
                (None, Some(day)) if found.len() == 1 => dated.entry(*day).or_default().push(name),
                _ => undated.push(name),
            }
        }
        let mut files = VariableFiles { path: folder.to_owned(), source: variable.source, dated: BTreeMap::new() };
        if !plain.is_empty() {
            if let Some(other) = dated.values().flatten().next() {
                let text = || "has a date in its name but does not count: beside files called YYYY_MM_DD.tif only such do".to_owned();
                tell_once_a_folder(&folder.join(other), "other names", text);
            }
            return Ok((files, plain));
        }
        if let Some((day, [one, other, ..])) = dated.iter().find_map(|(day, names)| Some((day, names.get(..2)?))) {
            let message = format!(
                "holds {one} and {other}, both of {day}, and a day of `{}` has one map; leave one of them there",
                variable.files_of()
            );
            return Err(Error::input(folder, message));
        }
        if let (Some(name), false) = (undated.first(), dated.is_empty()) {
            let text = || "does not count: its name does not hold one date as others there do".to_owned();
            tell_once_a_folder(&folder.join(name), "other names", text);
        }
        files.dated = dated.into_iter().filter_map(|(day, names)| Some((day, folder.join(names.first()?)))).collect();
        let days = files.dated.keys().copied().collect();
        Ok((files, days))
    }

    /// The files of a variable of scenes, with the scenes that have one, as GeoTIFF or PNG in the folder or in `train` and `test` below.
    ///
    /// # Errors
    /// [`Error::Input`] for a folder that cannot be read.
    pub fn of_scenes(variable: &Variable, folder: &Path) -> Result<(VariableFiles, BTreeSet<Day>)> {
        let failed = |e: std::io::Error| {
            Error::input(folder, format!("this folder cannot be read ({e}); check `path_{}`", variable.files_of())).because(e)
        };
        let mut scenes = BTreeSet::new();
        for part in FOLDERS.map(|part| folder.join(part)).into_iter().filter(|part| part == folder || part.is_dir()) {
            for entry in std::fs::read_dir(&part).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                let (Some(stem), true) = (path.file_stem().and_then(|stem| stem.to_str()), path.is_file()) else { continue };
                let is_raster = path.file_name().and_then(|name| name.to_str()).is_some_and(is_tiff) || is_called_png(&path);
                let name = stem.strip_suffix(variable.suffix).unwrap_or(stem);
                scenes.extend(Day::from_scene_name(name).filter(|_| is_raster));
            }
        }
        let listed: Vec<Day> = scenes.iter().copied().collect();
        Ok((VariableFiles::of(variable, folder, &listed)?, scenes))
    }

    /// The file of a day; where there is none, the one that should be there.
    pub fn file(&self, day: &Day) -> PathBuf {
        match self.source {
            Source::Constant => self.path.clone(),
            Source::Winter => self.path.join(day.winter_file_name()),
            Source::Daily | Source::Date(_) => self.dated.get(day).cloned().unwrap_or_else(|| self.path.join(day.file_name())),
        }
    }

    /// The folder, or the file of a constant variable.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Where files of scenes lie in a variable's folder.
const FOLDERS: [&str; 3] = ["", "train", "test"];

/// The file of a scene in a folder, `NAME.tif` before all others; `suffix` is what may stand behind its name. None where there is none.
pub fn scene_file(folder: &Path, scene: &Day, suffix: &str) -> Option<PathBuf> {
    let name = scene.scene?;
    let folders = FOLDERS.into_iter().map(|part| folder.join(part));
    let names = [
        format!("{name}.tif"),
        format!("{name}.tiff"),
        format!("{name}{suffix}.tif"),
        format!("{name}{suffix}.png"),
        format!("{name}.png"),
    ];
    folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)).collect::<Vec<_>>()).find(|file| file.is_file())
}

/// What to do about a folder whose files are called otherwise.
pub(crate) const OTHER_NAMES: &str = "Files are called YYYY_MM_DD.tif or by one date (snow_2017-06-04.tif, snow_20170604.tif); `meltcore \
                                      pack --date PATTERN` takes others";

/// The names of the GeoTIFFs in a folder.
fn tiffs_in(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().into_string().ok();
        names.extend(name.filter(|name| is_tiff(name)));
    }
    Ok(names)
}

/// Whether a name is one of a GeoTIFF.
pub(crate) fn is_tiff(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| ["tif", "tiff"].iter().any(|known| e.eq_ignore_ascii_case(known)))
}
