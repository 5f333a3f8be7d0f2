//! Believable radar scenes of glaciers that calve into fjords, over years: grey images as different radars see them, zones, fronts, and
//! for pretraining unlabelled scenes with an optical twin a glacier.
//!
//! A glacier's land stays as it is; its front moves with years and seasons, its ice flows, and melange, wind, wetness, orbit and speckle
//! are each scene's own. Ice and melange look alike. A scene is a pure function of the options and its number.

pub mod archive;
pub mod dataset;
pub mod fjord;
pub mod ground;
pub mod optical;
pub mod place;
pub mod radar;
pub mod recipe;
pub mod scene;
pub mod sea;

use std::fmt;

use crate::error::{Error, Result};
use place::PLACES;

pub use dataset::{CalvingSummary, write_dataset};
pub use scene::{CalvingScene, OpticalTwin, UnlabelledScene};

/// Side of a pixel of the scenes that [`CalvingOptions::rows`] and [`CalvingOptions::cols`] speak of, m; finer radars have more pixels.
pub const CELL: f32 = 20.0;
/// Smallest and largest side of a scene, pixels of [`CELL`] metres; in smaller ones no front would be long enough to count.
pub const SIDES: [usize; 2] = [128, 1024];
/// Fewest and most scenes: two of each glacier, and as many as days are far enough apart for.
pub const SCENES: [usize; 2] = [2 * PLACES.len(), 1000];
/// Fewest and most unlabelled scenes, where there are any: two of each glacier.
pub const UNLABELLED: [usize; 2] = [2 * PLACES.len(), 1000];

/// What kind of files images, zones and fronts are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Grey pictures under CaFFe's names; nothing in them says where they lie.
    #[default]
    Png,
    /// GeoTIFF in a coordinate system.
    Tif,
}

impl Format {
    /// The ending of its files' names.
    pub fn ending(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Tif => "tif",
        }
    }
}

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalvingOptions {
    /// Rows of a scene with pixels of [`CELL`] metres.
    pub rows: usize,
    /// Columns of such a scene.
    pub cols: usize,
    /// Number of scenes with zones, of all glaciers together.
    pub scenes: usize,
    /// Number of scenes without, for pretraining.
    pub unlabelled: usize,
    /// Seed of everything.
    pub seed: u64,
    /// What kind of files.
    pub format: Format,
}

impl Default for CalvingOptions {
    fn default() -> Self {
        CalvingOptions { rows: 256, cols: 256, scenes: 24, unlabelled: 12, seed: 42, format: Format::Png }
    }
}

impl fmt::Display for CalvingOptions {
    /// As on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CalvingOptions { rows, cols, scenes, unlabelled, seed, format } = self;
        let format = format.ending();
        write!(f, "--task calving --size {rows}x{cols} --scenes {scenes} --unlabelled {unlabelled} --seed {seed} --format {format}")
    }
}

impl CalvingOptions {
    /// Refuses sizes and counts that no dataset can have.
    ///
    /// # Errors
    /// [`Error::Usage`] with the allowed range.
    pub fn check(&self) -> Result<()> {
        let inside = |[least, most]: [usize; 2], value: usize| (least..=most).contains(&value);
        if !inside(SIDES, self.rows) || !inside(SIDES, self.cols) {
            let [least, most] = SIDES;
            let message = format!("--size {}x{}: both sides of calving scenes must be {least} to {most} pixels", self.rows, self.cols);
            return Err(Error::Usage(message));
        }
        if !inside(SCENES, self.scenes) {
            let [least, most] = SCENES;
            return Err(Error::Usage(format!("--scenes {}: choose {least} to {most}, so that each glacier has two", self.scenes)));
        }
        if self.unlabelled != 0 && !inside(UNLABELLED, self.unlabelled) {
            let [least, most] = UNLABELLED;
            let message = format!("--unlabelled {}: choose 0, or {least} to {most}, so that each glacier has two", self.unlabelled);
            return Err(Error::Usage(message));
        }
        Ok(())
    }
}
