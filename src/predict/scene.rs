//! A scene that is mapped without a configuration: what weights carry of theirs, and rasters that are found by the names of the inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::scene_files;
use crate::config::Config;
use crate::data::complete::days_of_folder;
use crate::data::dated_names::days_in;
use crate::data::day::Day;
use crate::domains::{Source, Unit, Variable};
use crate::error::{Error, Result};
use crate::weights::intact_weight_file;
use crate::weights::provenance::Provenance;

/// Endings of a raster's name in a folder of inputs.
const ENDINGS: [&str; 3] = ["tif", "tiff", "png"];

/// Rasters to be mapped.
#[derive(Debug)]
pub struct Scene {
    /// The configuration that the weights carry, with the paths of its variables.
    pub config: Config,
    /// Its days in order of time, or its scenes; of single files the day in their names, of radar scenes the scene that the first of them
    /// is named after, and [`Day::UNDATED`] where they say neither.
    pub days: Vec<Day>,
    /// What there is to tell.
    pub notes: Vec<String>,
}

/// Where rasters are looked for.
#[derive(Debug, Default)]
struct Places {
    /// `NAME=PATH`.
    named: BTreeMap<String, PathBuf>,
    folders: Vec<PathBuf>,
}

impl Scene {
    /// The scene that `places` describe: folders with a sub-folder (`NAME/YYYY_MM_DD.tif`) or a file (`NAME.tif`) for each input, and
    /// `NAME=PATH` for inputs that are elsewhere. `overrides` are keys of the configuration, `key=value`.
    ///
    /// # Errors
    /// [`Error::Weights`] for weights without a configuration; [`Error::Usage`] naming the inputs that are not found, names that are no
    /// input, and inputs that do not go together.
    pub fn open(weights: &Path, places: &[String], overrides: &[String]) -> Result<Scene> {
        let file = intact_weight_file(weights)?;
        let cure = "--config is needed; `meltcore weights convert FILE --config YAML --out FILE` writes a file that says it";
        let provenance = Provenance::needed(&file, cure)?;
        let places = Places::of(places)?;
        let bare = provenance.config(&file, &BTreeMap::new(), overrides)?;
        let paths = places.paths(&bare)?;
        let mut config = provenance.config(&file, &paths, overrides)?;
        let mask = config.domain().mask;
        if (config.mask_outputs || config.apply_landmask_to_predictions) && !paths.contains_key(mask) {
            return Err(Error::Usage(format!(
                "{}: its maps are masked, and there is no {mask}: put {mask}.tif into the scene, give {mask}=PATH, or turn it off with --set \
                 mask_outputs=false --set apply_landmask_to_predictions=false",
                file.display()
            )));
        }
        let inputs = config.inputs()?;
        let is_there = |input: &Variable| !input.optional || paths.get(input.files_of()).is_some_and(|path| path.exists());
        let daily: Vec<&Variable> = inputs.iter().copied().filter(|input| input.source == Source::Daily && is_there(input)).collect();
        let is_folder = |input: &&Variable| paths.get(input.files_of()).is_some_and(|path| path.is_dir());
        let (folders, files): (Vec<&Variable>, Vec<&Variable>) = daily.iter().copied().partition(is_folder);
        if let (Some(folder), Some(file)) = (folders.first(), files.first()) {
            return Err(Error::Usage(format!(
                "the input {} is a folder and {} a file; give all inputs of one raster a {}, or all as single files",
                folder.files_of(),
                file.files_of(),
                if config.domain().unit == Unit::Day {
                    "day as folders of files YYYY_MM_DD.tif"
                } else {
                    "scene as folders of files NAME.tif or NAME.png"
                }
            )));
        }
        let domain = config.domain();
        if !folders.is_empty() {
            let (days, notes) = common_days(&folders, &paths, domain.unit)?;
            return Ok(Scene { config, days, notes });
        }
        // What `front` needs to know of a radar scene its name says.
        let day = if config.has_zones() { named_scene(&files, &paths) } else { date_of(&files, &paths)? };
        let dated = |input: &&&Variable| matches!(input.source, Source::Date(_) | Source::Winter);
        if let Some(input) = inputs.iter().find(dated).filter(|_| day.is_none()) {
            return Err(Error::Usage(format!(
                "the input {} needs the day of the scene; name the files of the other inputs after it, for example 2017_06_04.tif",
                input.name
            )));
        }
        scene_files::check(&inputs, &paths)?;
        // One file is all there is of such an input.
        let single = |input: &Variable| match input.source {
            Source::Daily => Variable { source: Source::Constant, ..input.clone() },
            _ => input.clone(),
        };
        config.table = domain.with(domain.inputs.iter().map(single).collect(), domain.target.clone());
        Ok(Scene { config, days: vec![day.unwrap_or(Day::UNDATED)], notes: Vec::new() })
    }
}

impl Places {
    fn of(arguments: &[String]) -> Result<Places> {
        let mut places = Places::default();
        for argument in arguments {
            let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            match argument.split_once('=').filter(|(name, _)| is_name(name)) {
                Some((name, path)) => {
                    if !Path::new(path).exists() {
                        return Err(Error::Usage(format!("{argument}: there is no {path}; check the path")));
                    }
                    if places.named.insert(name.to_owned(), path.into()).is_some() {
                        return Err(Error::Usage(format!("{argument}: {name} is given twice; keep one of the two")));
                    }
                }
                None if Path::new(argument).is_dir() => places.folders.push(argument.into()),
                None => {
                    return Err(Error::Usage(format!(
                        "{argument} is no folder; a scene is a folder with one sub-folder or file for each input, named as the input, or a \
                         list of NAME=PATH"
                    )));
                }
            }
        }
        Ok(places)
    }

    /// What stands in one of the folders for a variable.
    fn find(&self, name: &str) -> Option<PathBuf> {
        self.folders.iter().find_map(|folder| {
            let file = ENDINGS.iter().map(|ending| folder.join(format!("{name}.{ending}"))).find(|file| file.is_file());
            file.or_else(|| Some(folder.join(name)).filter(|folder| folder.is_dir()))
        })
    }

    /// The paths of the inputs of a configuration, and of the land mask where there is one.
    fn paths(&self, config: &Config) -> Result<BTreeMap<String, PathBuf>> {
        let inputs = config.inputs()?;
        let needed: BTreeMap<&str, &Variable> =
            inputs.iter().filter(|input| !input.is_scalar()).map(|input| (input.files_of(), *input)).collect();
        let mask = config.domain().mask;
        let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
        if let Some(name) = self.named.keys().find(|name| !needed.contains_key(name.as_str()) && *name != mask) {
            let known = list(&mut needed.keys().map(|name| (*name).to_owned()));
            return Err(Error::Usage(format!(
                "{name}=… names no input of these weights; they are {known} (and {mask}, which maps may need)"
            )));
        }
        let mut paths = BTreeMap::new();
        let mut missing = Vec::new();
        for name in needed.keys().copied().chain([mask]) {
            match self.named.get(name).cloned().or_else(|| self.find(name)) {
                Some(path) => drop(paths.insert(name.to_owned(), path)),
                // Under a name that nothing stands under.
                None if needed.get(name).is_some_and(|input| input.optional) => {
                    let folder = self.folders.first().cloned().unwrap_or_default();
                    paths.insert(name.to_owned(), folder.join(format!("{name}.tif")));
                }
                None if needed.contains_key(name) => missing.push(name),
                None => {}
            }
        }
        if missing.is_empty() {
            return Ok(paths);
        }
        let form = |name: &&str| match needed.get(name).map(|input| input.source) {
            Some(Source::Constant) => format!("{name} ({name}.tif)"),
            Some(Source::Winter) => format!("{name} (a folder {name} of files YYYY_jan_feb.tif)"),
            _ if config.domain().unit == Unit::Scene => format!("{name} (a folder {name} of files NAME.tif or NAME.png, or {name}.tif)"),
            _ => format!("{name} (a folder {name} of files YYYY_MM_DD.tif, or {name}.tif)"),
        };
        Err(Error::Usage(format!(
            "the scene lacks inputs of these weights: {}; add them under these names, or say where they are with NAME=PATH",
            list(&mut missing.iter().map(form))
        )))
    }
}

/// The days or scenes that every folder has, and which are left out.
fn common_days(inputs: &[&Variable], paths: &BTreeMap<String, PathBuf>, unit: Unit) -> Result<(Vec<Day>, Vec<String>)> {
    let mut days: Option<BTreeSet<Day>> = None;
    let mut all = BTreeSet::new();
    for input in inputs {
        let Some(folder) = paths.get(input.files_of()).filter(|_| !input.optional) else { continue };
        let (_, found) = days_of_folder(input, folder, unit)?;
        all.extend(found.iter().copied());
        days = Some(days.map_or(found.clone(), |days| days.intersection(&found).copied().collect()));
    }
    let days = days.unwrap_or_default();
    let names = || inputs.iter().map(|input| input.files_of()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
    if days.is_empty() {
        let (what, part) = if unit == Unit::Day { ("day", "the dates in their names") } else { ("scene", "their names") };
        return Err(Error::Usage(format!("no {what} has a file of all inputs ({}); check {part}", names())));
    }
    let (left_out, what) = (all.len() - days.len(), if unit == Unit::Day { "day(s)" } else { "scene(s)" });
    let note = (left_out > 0).then(|| format!("{left_out} {what} lack a file of some input ({}) and are left out", names()));
    Ok((days.into_iter().collect(), note.into_iter().collect()))
}

/// The scene that single files are of: that which the first of them is named after, if not after its input.
fn named_scene(inputs: &[&Variable], paths: &BTreeMap<String, PathBuf>) -> Option<Day> {
    let name = |input: &&Variable| {
        let stem = paths.get(input.files_of())?.file_stem()?.to_str()?;
        Some(stem.to_owned()).filter(|stem| stem != input.files_of())
    };
    Day::from_scene_name(&inputs.iter().find_map(name)?)
}

/// The date in the names of single files, where there is one.
fn date_of(inputs: &[&Variable], paths: &BTreeMap<String, PathBuf>) -> Result<Option<Day>> {
    let mut first: Option<(Day, &Path)> = None;
    for path in inputs.iter().filter_map(|input| paths.get(input.files_of())) {
        let found = days_in(&path.file_stem().unwrap_or_default().to_string_lossy());
        // Several dates tell as little as none.
        let Some(&day) = found.first().filter(|_| found.len() == 1) else { continue };
        match first {
            Some((other, file)) if other != day => {
                return Err(Error::Usage(format!(
                    "{} and {} are of different days; give the files of one, or folders",
                    file.display(),
                    path.display()
                )));
            }
            _ => first = Some((day, path)),
        }
    }
    Ok(first.map(|(day, _)| day))
}
