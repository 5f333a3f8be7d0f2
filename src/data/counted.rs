//! Which pixels of a scene count: those that the land mask does not take out, nor a mask of the scene's own (`path_ignore`).
//!
//! A mask of a scene is a raster under the scene's name: cloud, shadow, fresh snow, all that makes a class unknowable in this image. One
//! raster in place of the folder is the mask of all days of a grid. A pixel is ignored where it is not 0, or one of `ignore_values` where
//! these are given; a pixel without a value counts, and so do scenes without a mask.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::Window;
use super::day::{Day, Split};
use super::land_mask::LandMask;
use super::notices::tell_once_a_folder;
use super::raster::Raster;
use crate::config::{Config, IGNORE};
use crate::error::{Error, Result};

/// What takes pixels of a dataset out.
#[derive(Debug)]
pub(super) struct Counted {
    landmask: Option<LandMask>,
    /// The mask as an input is ocean above this.
    threshold: f32,
    ignored: Option<Ignored>,
    /// Whether maps have no value where a pixel is ignored.
    in_maps: bool,
}

impl Counted {
    /// What a configuration says of the days of a split.
    ///
    /// # Errors
    /// Those of [`LandMask::open`]; [`Error::Input`] for a folder of masks that is not there.
    pub fn of(config: &Config, split: Split, days: &[Day]) -> Result<Counted> {
        let landmask = config.variable_paths.get(config.domain().mask).map(LandMask::open).transpose()?;
        let (threshold, in_maps) = (config.mask_threshold as f32, config.mask_outputs);
        let ignored = match split {
            // Without targets there is nothing to ignore but in maps.
            Split::Deploy if !in_maps => None,
            _ => Ignored::of(config, split, days)?,
        };
        Ok(Counted { landmask, threshold, ignored, in_maps })
    }

    /// The raster of the land mask.
    pub fn landmask(&self) -> Option<&Arc<Raster>> {
        self.landmask.as_ref().map(LandMask::raster)
    }

    /// The land mask as a channel: 1 on ocean, 0 on land and everywhere without a mask.
    pub fn read_channel(&self, window: Window, out: &mut [f32]) -> Result<()> {
        let Some(landmask) = &self.landmask else {
            out.fill(0.0);
            return Ok(());
        };
        landmask.read_ocean(window, out)
    }

    /// The land mask: the channel's value against the configured threshold.
    pub fn read_mask(&self, window: Window, out: &mut [f32]) -> Result<()> {
        self.read_channel(window, out)?;
        out.iter_mut().for_each(|value| *value = if *value > self.threshold { 1.0 } else { 0.0 });
        Ok(())
    }

    /// The file of a day's own mask, where it has one.
    pub fn mask_of(&self, day: &Day) -> Option<PathBuf> {
        let ignored = self.ignored.as_ref().filter(|ignored| ignored.days.contains(day))?;
        Some(if ignored.is_of_all { ignored.path.clone() } else { ignored.path.join(day.file_name()) })
    }

    /// As [`Counted::mask_of`], where maps have no value under it.
    pub fn mask_of_map(&self, day: &Day) -> Option<PathBuf> {
        if self.in_maps { self.mask_of(day) } else { None }
    }

    /// Whether a value of a day's own mask takes its pixel out.
    pub fn is_ignored(&self, value: f32) -> bool {
        match self.ignored.as_ref().map(|ignored| ignored.values.as_slice()) {
            None => false,
            Some([]) => value != 0.0 && !value.is_nan(),
            Some(values) => values.contains(&value),
        }
    }
}

/// The folder of `path_ignore`, or one raster for all days.
#[derive(Debug)]
struct Ignored {
    path: PathBuf,
    is_of_all: bool,
    values: Vec<f32>,
    /// Those that have a mask there.
    days: HashSet<Day>,
}

impl Ignored {
    fn of(config: &Config, split: Split, days: &[Day]) -> Result<Option<Ignored>> {
        let Some(folder) = config.variable_paths.get(IGNORE).cloned() else { return Ok(None) };
        let values = config.ignore_values.iter().flatten().map(|value| *value as f32).collect();
        if folder.is_file() {
            return Ok(Some(Ignored { path: folder, is_of_all: true, values, days: days.iter().copied().collect() }));
        }
        if !folder.is_dir() {
            let message = format!(
                "is no folder, and `path_{IGNORE}` names one with a raster NAME.tif for each scene that has a mask, or one raster for all \
                 days; correct it"
            );
            return Err(Error::input(folder, message));
        }
        let masked: HashSet<Day> = days.iter().filter(|day| folder.join(day.file_name()).is_file()).copied().collect();
        let without: Vec<&Day> = days.iter().filter(|day| !masked.contains(day)).collect();
        if let Some(first) = without.first() {
            let (count, all, unit) = (without.len(), days.len(), config.domain().unit.plural());
            tell_once_a_folder(&folder.join(first.file_name()), split.name(), || {
                format!("is not there: {count} of {all} {unit} of the split {split} have no mask (path_{IGNORE}) and count everywhere")
            });
        }
        Ok(Some(Ignored { path: folder, is_of_all: false, values, days: masked }))
    }
}
