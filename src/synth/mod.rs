//! Believable data to try everything on: an invented Helheim with terrain, seasons, radar melt, model and microwave fields, in [`glacier`]
//! satellite scenes of mountain glaciers, and in [`calving`] radar scenes of glaciers that calve into fjords.
//!
//! Everything is a pure function of the options: the same seed, size and day give the same pixels, whichever other days are made.
//! Shapes and statistics follow the reference's data set: bimodal melt that is not monotonic in elevation, swath gaps, blocky model
//! cells, smooth brightness temperatures. [`Scene`] makes the fields; [`write_dataset`] writes them with splits and configurations.

pub mod calving;
pub mod cells;
pub mod claim;
pub mod climate;
pub mod dataset;
pub mod field;
pub mod geography;
pub mod georeference;
pub mod glacier;
pub mod noise;
pub mod recipe;
pub mod rows;
pub mod runoff;
pub mod sar;
pub mod season;
pub mod steps;
pub mod terrain;

use std::fmt;
use std::path::PathBuf;

use crate::data::day::Day;
use crate::error::{Error, Result};
use climate::Climate;
use runoff::Runoff;
use sar::Radar;
use season::{MOST_DAYS, Seasons, Weather};
use terrain::Terrain;

pub use dataset::{SynthSummary, write_dataset};

/// Smallest side of a scene in pixels: coarse cells and tiles need some room.
pub const LEAST_SIDE: usize = 64;
/// Largest side of a scene in pixels.
pub const MOST_SIDE: usize = 8192;
/// Fewest days: one of every month.
pub const LEAST_DAYS: usize = 6;

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SynthOptions {
    /// Rows of the grid.
    pub rows: usize,
    /// Columns of the grid.
    pub cols: usize,
    /// Number of days, April to September from 2017 on.
    pub days: usize,
    /// Seed of everything.
    pub seed: u64,
    /// Folder with real geography (see [`geography`]), instead of invented land.
    pub geography: Option<PathBuf>,
}

impl Default for SynthOptions {
    fn default() -> Self {
        SynthOptions { rows: 256, cols: 192, days: 72, seed: 42, geography: None }
    }
}

impl SynthOptions {
    /// Refuses sizes and counts that no scene can have.
    ///
    /// # Errors
    /// [`Error::Usage`] with the allowed range.
    pub fn check(&self) -> Result<()> {
        let sides = LEAST_SIDE..=MOST_SIDE;
        if !sides.contains(&self.rows) || !sides.contains(&self.cols) {
            let message = format!("--size {}x{}: both sides must be {LEAST_SIDE} to {MOST_SIDE} pixels", self.rows, self.cols);
            return Err(Error::Usage(message));
        }
        if !(LEAST_DAYS..=MOST_DAYS).contains(&self.days) {
            let message = format!("--days {}: choose {LEAST_DAYS} to {MOST_DAYS} (April to September of seven years)", self.days);
            return Err(Error::Usage(message));
        }
        Ok(())
    }
}

impl fmt::Display for SynthOptions {
    /// As on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SynthOptions { rows, cols, days, seed, geography } = self;
        write!(f, "--size {rows}x{cols} --days {days} --seed {seed}")?;
        geography.as_ref().map_or(Ok(()), |folder| write!(f, " --geography {}", folder.display()))
    }
}

/// The fields of one day, row-major rasters of the scene's size.
#[derive(Debug, Clone)]
pub struct DayFields {
    /// Radar melt fraction 0…1, NaN outside the swath, clutter over the ocean.
    pub melt: Vec<f32>,
    /// Liquid water content of the top metre, climate model.
    pub mar_wa1: Vec<f32>,
    /// Brightness temperature, K.
    pub pmw: Vec<f32>,
}

/// A scene: the fixed geography and whatever the daily fields need.
pub struct Scene {
    /// What it was made from.
    pub options: SynthOptions,
    /// Elevation and land.
    pub terrain: Terrain,
    /// All days, sorted.
    pub days: Vec<Day>,
    seasons: Seasons,
    radar: Radar,
    climate: Climate,
}

impl Scene {
    /// Invents the scene.
    ///
    /// # Errors
    /// As [`SynthOptions::check`], and [`Terrain::read`] and [`Runoff::find`] where there is real geography.
    pub fn new(options: &SynthOptions) -> Result<Self> {
        options.check()?;
        let SynthOptions { rows, cols, days, seed, geography } = options;
        let (terrain, runoff) = match geography {
            Some(folder) => (Terrain::read(folder, *rows, *cols, *seed)?, Runoff::find(folder)?),
            None => (Terrain::invent(*rows, *cols, *seed), None),
        };
        let (radar, climate) = (Radar::new(&terrain, *seed), Climate::new(&terrain, *seed));
        let seasons = Seasons::new(*seed, runoff);
        Ok(Scene { options: options.clone(), days: season::archive_days(*days), terrain, seasons, radar, climate })
    }

    /// The weather of a day.
    pub fn weather(&self, day: Day) -> Weather {
        self.seasons.weather(day)
    }

    /// All fields of one day, which need not be among [`Scene::days`].
    pub fn day(&self, day: Day) -> DayFields {
        let (weather, seed) = (self.weather(day), self.options.seed);
        let mut melt = self.radar.melt(&self.terrain, seed, day, weather);
        let pmw = self.climate.pmw(&self.terrain, seed, day, weather, &melt);
        let mar_wa1 = self.climate.mar(seed, day, weather);
        self.radar.mask(&mut melt, self.terrain.cols, seed, day);
        DayFields { melt, mar_wa1, pmw }
    }

    /// Share of the land that the radar saw on a day; 1 is all of it.
    pub fn seen_share(&self, day: Day) -> f64 {
        sar::seen_share(self.options.seed, day)
    }

    /// Mean brightness temperature of a year's January and February, K.
    pub fn winter_mean(&self, year: u16) -> Vec<f32> {
        self.climate.winter_mean(self.options.seed, year)
    }
}
