//! The targets of a dataset: their files, and how these are read in the unit that is learnt.

use std::path::{Path, PathBuf};

use super::day::Day;
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
        Ok(TargetFiles { files, divisor: config.divisor(target), zones: Zones::of(config) })
    }

    /// All files.
    pub fn files(&self) -> &VariableFiles {
        &self.files
    }

    /// The file of a day.
    pub fn file(&self, day: &Day) -> PathBuf {
        self.files.file(day)
    }

    /// One of the files in the unit that is learnt.
    ///
    /// # Errors
    /// Those of [`Raster::open`]; [`Error::Input`] for greys that are of no zone.
    pub fn open(&self, path: &Path) -> Result<Raster> {
        let raster = Raster::open(path)?.divided_by(self.divisor);
        match &self.zones {
            None => Ok(raster),
            Some(zones) => zones.numbered(raster),
        }
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
