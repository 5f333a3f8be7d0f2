//! The targets of a dataset: their files, and how these are read in the unit that is learnt.

use std::path::{Path, PathBuf};

use super::class_map::class_names;
use super::day::Day;
use super::grey_png::is_called_png;
use super::raster::Raster;
use super::variable_files::VariableFiles;
use crate::config::Config;
use crate::domains::{ZONE_GREYS, ZONES, zones_from_bytes};
use crate::error::{Error, Result};

/// Where targets are.
#[derive(Debug)]
pub(super) struct TargetFiles {
    files: VariableFiles,
    /// What stored values are divided by.
    divisor: f64,
    /// What classes are called, of targets that are classes.
    classes: Vec<String>,
    zones: Option<Zones>,
}

impl TargetFiles {
    /// Those of a configuration.
    ///
    /// # Errors
    /// Those of [`VariableFiles::of`]; a path that is missing.
    pub fn of(config: &Config, days: &[Day]) -> Result<TargetFiles> {
        let target = &config.domain().target;
        let files = VariableFiles::of(target, config.require_variable(target.name)?, days)?;
        Ok(TargetFiles { files, divisor: config.divisor(target), classes: config.classes.clone(), zones: Zones::of(config) })
    }

    /// All files.
    pub fn files(&self) -> &VariableFiles {
        &self.files
    }

    /// The file of a day.
    pub fn file(&self, day: &Day) -> PathBuf {
        self.files.file(day)
    }

    /// One of the files in the unit that is learnt; a map that names its classes is read by these names.
    ///
    /// # Errors
    /// Those of [`Raster::open`]; [`Error::Input`] for greys that are of no zone.
    pub fn open(&self, path: &Path) -> Result<Raster> {
        let raster = Raster::open(path)?.divided_by(self.divisor);
        let numbers = if self.classes.is_empty() || is_called_png(path) { None } else { self.numbers(path) };
        match (numbers, &self.zones) {
            (Some(numbers), _) => {
                let is_number = |value: f32| value >= 0.0 && value.fract() == 0.0;
                let class =
                    |value: f32| Some(value as usize).filter(|_| is_number(value)).and_then(|at| numbers.get(at).copied()).unwrap_or(value);
                let values = raster.read_all()?.into_iter().map(class).collect();
                Ok(raster.of_values(values))
            }
            (None, None) => Ok(raster),
            (None, Some(zones)) => zones.numbered(raster),
        }
    }

    /// The number here of each class that a map names, where it names them in another order or others; NaN, no class, for a zone that is
    /// not among the classes here. Where classes of other maps are called otherwise, their numbers count.
    fn numbers(&self, path: &Path) -> Option<Vec<f32>> {
        let names = class_names(path)?;
        let place = |name: &String| self.classes.iter().position(|class| class == name);
        let known = names.iter().filter(|name| place(name).is_some()).count();
        let is_same = names == self.classes[..names.len().min(self.classes.len())];
        let is_named = if self.zones.is_some() { known > 0 } else { known == names.len() };
        (!is_same && is_named).then(|| names.iter().map(|name| place(name).map_or(f32::NAN, |class| class as f32)).collect())
    }
}

/// The zones that a configuration's classes are, of which files may hold greys in place of numbers.
#[derive(Debug)]
struct Zones {
    /// Number of the class of each of [`ZONES`]; NaN, no class, of one that the configuration does not name.
    classes: [f32; ZONES.len()],
    /// Classes that there are.
    count: usize,
}

impl Zones {
    fn of(config: &Config) -> Option<Zones> {
        let number = |zone: &str| config.classes.iter().position(|class| class == zone).map_or(f32::NAN, |class| class as f32);
        config.has_zones().then(|| Zones { classes: ZONES.map(number), count: config.classes.len() })
    }

    /// A map with numbers of classes where it held greys; one of numbers stays as it is.
    fn numbered(&self, raster: Raster) -> Result<Raster> {
        let values = raster.read_all()?;
        let is_grey = |value: f32| value >= self.count as f32 && ZONE_GREYS.iter().any(|grey| f32::from(*grey) == value);
        if !values.iter().any(|value| is_grey(*value)) {
            return Ok(raster);
        }
        // What is no byte is of no zone either.
        let byte = |value: &f32| if value.fract() == 0.0 && (0.0..=255.0).contains(value) { *value as u8 } else { u8::MAX };
        let mut bytes: Vec<u8> = values.iter().map(|value| if value.is_nan() { 0 } else { byte(value) }).collect();
        zones_from_bytes(&mut bytes, raster.cols()).map_err(|message| Error::input(raster.path(), message))?;
        let class = |(zone, value): (u8, f32)| if value.is_nan() { value } else { self.classes[usize::from(zone)] };
        let classes = bytes.into_iter().zip(values).map(class).collect();
        Ok(raster.of_values(classes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::about::About;
    use crate::data::class_map::{NO_CLASS, write_class_map};
    use crate::data::geotags::GeoTags;

    #[test]
    fn maps_that_name_their_classes_are_read_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        let about = About { software: "meltcore 0".into(), day: Day::UNDATED, bands: Vec::new(), items: Vec::new() };
        let write = |names: &[&str]| write_class_map(&path, [1, 5], &[0, 1, 2, 3, NO_CLASS], &GeoTags::default(), names, &about).unwrap();
        let read = |task: &str, classes: &str| {
            let keys =
                format!("task: {task}\nin_keys: [sar]\npath_sar: {0}\npath_classes: {0}\nclasses: {classes}\n", folder.path().display());
            let config = Config::from_yaml(&keys, "a.yaml", &[]).unwrap();
            TargetFiles::of(&config, &[]).unwrap().open(&path).unwrap().read_all().unwrap()
        };
        let same = |got: Vec<f32>, wanted: [f32; 5]| {
            assert!(
                got.iter().zip(wanted).all(|(got, wanted)| *got == wanted || got.is_nan() && wanted.is_nan()),
                "{got:?} for {wanted:?}"
            );
        };
        let none = f32::NAN;
        write(&ZONES);
        same(read("calving_front", "[na, stone, glacier, ocean]"), [0.0, 1.0, 2.0, 3.0, none]);
        same(read("calving_front", "[ocean, glacier]"), [none, none, 1.0, 0.0, none]);
        same(read("calving_front", "[glacier, stone, ocean, na]"), [3.0, 1.0, 0.0, 2.0, none]);
        write(&["ground", "debris", "ice", "snow"]);
        same(read("segmentation", "[ground, ice, debris, snow]"), [0.0, 2.0, 1.0, 3.0, none]);
        // Others by their numbers.
        same(read("segmentation", "[ground, glacier, rock, snow]"), [0.0, 1.0, 2.0, 3.0, none]);
    }
}
