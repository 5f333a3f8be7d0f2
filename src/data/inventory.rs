//! Which files a dataset needs, and what to say where one is missing or does not fit the others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::dataset::Dataset;
use super::dated_names::days_in;
use super::day::Day;
use super::notices::tell_once_a_folder;
use super::raster::Raster;
use super::variable_files::{OTHER_NAMES, VariableFiles, is_tiff};
use crate::domains::{Source, Variable};
use crate::error::{Error, Result};

/// Grids that differ by more than this many pixels show different ground.
const LARGEST_MISALIGNMENT: f64 = 0.5;
/// So many files are named in a message, the others are counted.
const NAMED_FILES: usize = 3;

/// What is wrong with a pixel without a value in an input that must have one.
pub(super) fn nan_input(variable: &Variable) -> String {
    let (name, words) = (variable.name, if variable.source == Source::Daily { "mean, nearest, time" } else { "mean, nearest" });
    let cure = format!("set `fill_{name}` to what takes their place ({words} or a value){}", or_take_out(variable));
    format!("the input `{name}` contains NaN or no-data pixels, which the network cannot use; {cure}")
}

/// What is wrong with an input's raster of which no pixel has a value.
pub(super) fn empty_input(variable: &Variable) -> String {
    let (name, words) = (variable.name, if variable.source == Source::Daily { "time, mean" } else { "mean" });
    let cure = format!("set `fill_{name}` to {words} or a value{}", or_take_out(variable));
    format!("no pixel of the input `{name}` has a value here, so that no other one can be filled from it; {cure}")
}

/// The other way out.
fn or_take_out(variable: &Variable) -> &'static str {
    if variable.is_constant() { "" } else { ", or take the day out of the split file" }
}

/// The first few of `files`, and how many more there are.
pub(crate) fn name_some(files: &[PathBuf]) -> String {
    let named: Vec<String> = files.iter().take(NAMED_FILES).map(|path| path.display().to_string()).collect();
    match files.len().saturating_sub(NAMED_FILES) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// What else the file of a scene may be called.
fn forms_of_scenes(days: &[Day], variable: &Variable) -> String {
    if variable.source != Source::Daily || days.iter().all(|day| day.scene.is_none()) {
        return String::new();
    }
    let behind = if variable.suffix.is_empty() { String::new() } else { format!(", with {} behind the name", variable.suffix) };
    format!(" (nor as .tiff or .png{behind}, nor in the folders train and test there)")
}

/// Refuses a dataset of which files do not exist, naming the first few of the first variable that lacks any.
pub(super) fn refuse_missing(
    days: &[Day],
    inputs: &[(&Variable, Option<VariableFiles>)],
    target: (&Variable, Option<&VariableFiles>),
) -> Result<()> {
    // Scenes have names that say no day.
    let said_of_names = |folder: &Path| if days.iter().any(|day| day.scene.is_some()) { String::new() } else { other_names(folder) };
    let absent = |files: Vec<PathBuf>| -> Vec<PathBuf> { files.into_iter().filter(|file| !file.is_file()).collect() };
    if let (Variable { name, .. }, Some(files)) = target {
        let missing = absent(days.iter().map(|day| files.file(day)).collect());
        if !missing.is_empty() {
            let (count, some, other) = (missing.len(), name_some(&missing), said_of_names(files.path()));
            let forms = forms_of_scenes(days, target.0);
            return Err(Error::input(
                files.path(),
                format!("{count} target file(s) are missing: {some}{forms}; check `path_{name}` and the split file{other}"),
            ));
        }
    }
    for (variable, files) in inputs {
        let Some(files) = files.as_ref().filter(|_| !variable.optional) else { continue };
        let mut wanted: Vec<PathBuf> = days.iter().map(|day| files.file(day)).collect();
        wanted.dedup();
        let missing = absent(wanted);
        if missing.is_empty() {
            continue;
        }
        let cure = match variable.made_by {
            Some(command) => command,
            None if variable.is_constant() => "check the path",
            None if days.iter().any(|day| day.scene.is_some()) => "check the path, or take those scenes out of the split file",
            None => "check the path, or take those days out of the split file",
        };
        let (count, some, name) = (missing.len(), name_some(&missing), variable.name);
        let (key, other) =
            (variable.files_of(), if variable.source == Source::Daily { said_of_names(files.path()) } else { String::new() });
        let forms = forms_of_scenes(days, variable);
        let message = format!("{count} file(s) of the input `{name}` (`path_{key}`) are missing: {some}{forms}; {cure}{other}");
        return Err(Error::input(files.path(), message));
    }
    Ok(())
}

impl Dataset {
    /// Of each optional input that days lack, by the name of its files, the names of those days.
    pub fn lacking(&self) -> Vec<(&'static str, Vec<String>)> {
        let optional = self.inputs().iter().filter(|input| input.optional && input.gap_of.is_none());
        // Of several bands of one file the last.
        let inputs: BTreeMap<&'static str, &Variable> = optional.map(|input| (input.files_of(), *input)).collect();
        let days = |input: &Variable| -> Vec<String> {
            let lacking = (0..self.days().len()).filter(|day| !self.has_file(input, *day));
            lacking.map(|day| self.days()[day].file_name()).collect()
        };
        inputs.into_iter().map(|(name, input)| (name, days(input))).filter(|(_, days)| !days.is_empty()).collect()
    }

    /// Tells once which optional inputs days lack.
    pub(super) fn tell_of_lacking(&self) {
        for (name, days) in self.lacking() {
            let (count, all, unit) = (days.len(), self.days().len(), self.domain().unit.plural());
            let text = || {
                format!(
                    "is not there; {count} of the {all} {unit} of the {} split have no file of the optional input `{name}`, which has no value \
                     there at any pixel",
                    self.split()
                )
            };
            tell_once_a_folder(&Path::new(name).join(&days[0]), "optional input", text);
        }
    }

    /// Scans every input of every day for NaN.
    pub(super) fn refuse_nan_inputs(&self) -> Result<()> {
        let mut bad = Vec::new();
        for input in self.inputs().iter().filter(|input| input.refuses_gaps()) {
            let days = if input.is_constant() { 1 } else { self.days().len() };
            for day in 0..days {
                let raster = self.input_raster(input, day)?;
                if raster.has_nan()? && !bad.iter().any(|(_, path)| path == raster.path()) {
                    bad.push((input, raster.path().to_owned()));
                }
                self.forget_mapped(&raster, input.band());
            }
        }
        match bad.as_slice() {
            [] => Ok(()),
            [(input, path), others @ ..] => {
                let others: Vec<PathBuf> = others.iter().map(|(_, path)| path.clone()).collect();
                let also = if others.is_empty() { String::new() } else { format!(" (so are {})", name_some(&others)) };
                Err(Error::input(path, format!("{}{also}", nan_input(input))))
            }
        }
    }
}

/// What to say of a folder of GeoTIFFs whose names say no day.
fn other_names(folder: &Path) -> String {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let (mut tiffs, mut dated) = (0, false);
    for name in names.filter(|name| is_tiff(name)) {
        (tiffs, dated) = (tiffs + 1, dated || days_in(&name).len() == 1);
    }
    if tiffs > 0 && !dated { format!(". No name there says a day. {OTHER_NAMES}") } else { String::new() }
}

/// Refuses a raster that does not lie on the grid of the others.
pub(crate) fn refuse_other_grid(reference: &Raster, raster: &Raster) -> Result<()> {
    let (rows, cols) = (reference.rows(), reference.cols());
    let reference_name = reference.path().display();
    if (raster.rows(), raster.cols()) != (rows, cols) {
        return Err(Error::input(
            raster.path(),
            format!(
                "has {} rows × {} columns where {reference_name} has {rows} × {cols}; all rasters must share one grid: \
                 `meltcore pack --like {reference_name}` makes them do so",
                raster.rows(),
                raster.cols()
            ),
        ));
    }
    match reference.geo().misalignment(raster.geo(), rows, cols) {
        Some(apart) if apart > LARGEST_MISALIGNMENT => Err(Error::input(
            raster.path(),
            format!(
                "lies up to {apart:.1} pixels away from {reference_name}; all rasters must share one grid: \
                 `meltcore pack --like {reference_name}` makes them do so"
            ),
        )),
        Some(_) => refuse_other_crs(reference, raster),
        None => {
            if reference.geo().transform().is_some() {
                let text = || format!("has no georeference; it is taken to lie on the grid of {reference_name}");
                tell_once_a_folder(raster.path(), "no georeference", text);
            } else if raster.geo().transform().is_some() {
                let text = || format!("has no georeference; it is taken to lie on the grid of {}", raster.path().display());
                tell_once_a_folder(reference.path(), "no georeference", text);
            }
            refuse_other_crs(reference, raster)
        }
    }
}

/// Refuses a raster whose numbers on the map mean other places, equal as they may be.
fn refuse_other_crs(reference: &Raster, raster: &Raster) -> Result<()> {
    let name = reference.path().display();
    match reference.geo().same_crs(raster.geo()) {
        Some(true) => Ok(()),
        Some(false) => Err(Error::input(
            raster.path(),
            format!(
                "has another coordinate system than {name}, on the same numbers; all rasters must share one grid: \
                 `meltcore pack --like {name}` makes them do so"
            ),
        )),
        None => {
            let text =
                || format!("names its coordinate system in a way that cannot be compared with that of {name}; it is taken for the same");
            tell_once_a_folder(raster.path(), "coordinate system", text);
            Ok(())
        }
    }
}
