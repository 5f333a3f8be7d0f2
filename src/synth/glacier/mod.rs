//! Believable scenes of mountain glaciers as satellites see them: six bands, elevation with slope, and a map of what is glacier.
//!
//! Streams cut the mountains, snow drifts and slides into hollows, ice flows from there until it melts, rock falls onto it and comes out on
//! its tongues; then the sun shines on all of it. A scene is a pure function of the options and its number.

pub mod dataset;
pub mod debris;
pub mod drainage;
pub mod ground;
pub mod ice;
pub mod light;
pub mod optics;
pub mod recipe;
pub mod region;
pub mod relief;
pub mod sky;

use std::fmt;

use super::field::Field;
use super::noise::{Noise, white_key};
use crate::error::{Error, Result};
use crate::random::{Draw, Purpose};

use ground::Ground;
use light::Sun;
use optics::{BANDS, Sight};
use region::{REGIONS, Region};
use relief::LEVELS;

pub use dataset::{GlacierSummary, write_dataset};

/// Side of a pixel, m.
pub const CELL: f32 = 30.0;
/// Pixels around a scene that are made with it, so that it has no edges.
pub const MARGIN: usize = 40;
/// The number of class maps for what nobody labelled.
pub const UNLABELLED: u8 = 255;

/// Smallest and largest side of a scene, pixels.
pub const SIDES: [usize; 2] = [64, 2048];
/// Fewest and most scenes: one of each list, and names of two numbers with two digits.
pub const SCENES: [usize; 2] = [4, 1000];

/// Streams of random numbers that a scene has.
const STREAMS: i64 = 16;
/// Tiles of a region that lie in a row.
const TILES_ACROSS: usize = 25;

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlacierOptions {
    /// Rows of a scene.
    pub rows: usize,
    /// Columns of a scene.
    pub cols: usize,
    /// Number of scenes.
    pub scenes: usize,
    /// Seed of everything.
    pub seed: u64,
    /// Whether class maps have no class under clouds.
    pub mask_clouds: bool,
}

impl Default for GlacierOptions {
    fn default() -> Self {
        GlacierOptions { rows: 256, cols: 256, scenes: 12, seed: 42, mask_clouds: false }
    }
}

impl fmt::Display for GlacierOptions {
    /// As on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GlacierOptions { rows, cols, scenes, seed, mask_clouds } = self;
        let mask_clouds = if *mask_clouds { " --mask-clouds" } else { "" };
        write!(f, "--task glacier --size {rows}x{cols} --scenes {scenes} --seed {seed}{mask_clouds}")
    }
}

impl GlacierOptions {
    /// Refuses sizes and counts that no dataset can have.
    ///
    /// # Errors
    /// [`Error::Usage`] with the allowed range.
    pub fn check(&self) -> Result<()> {
        let (sides, scenes) = (SIDES[0]..=SIDES[1], SCENES[0]..=SCENES[1]);
        if !sides.contains(&self.rows) || !sides.contains(&self.cols) {
            let [least, most] = SIDES;
            let message = format!("--size {}x{}: both sides of glacier scenes must be {least} to {most} pixels", self.rows, self.cols);
            return Err(Error::Usage(message));
        }
        if !scenes.contains(&self.scenes) {
            let [least, most] = SCENES;
            return Err(Error::Usage(format!("--scenes {}: choose {least} to {most}, so that every list has one", self.scenes)));
        }
        Ok(())
    }
}

/// A scene.
#[derive(Debug, Clone)]
pub struct GlacierScene {
    /// Its name: code of the region, row and column of the tile.
    pub name: String,
    /// Where it is of.
    pub region: &'static Region,
    /// Row and column of its tile in the region, from 1.
    pub tile: [usize; 2],
    /// Reflectance at the top of the atmosphere: blue, green, red, near infrared, short-wave infrared 1 and 2.
    pub optical: [Field; BANDS],
    /// Height of the surface, m, and its slope, degrees.
    pub dem: [Field; 2],
    /// 0 background, 1 glacier, [`UNLABELLED`].
    pub classes: Vec<u8>,
}

impl GlacierScene {
    /// Makes one of the scenes of a dataset, by its number from 0.
    ///
    /// # Errors
    /// Those of [`GlacierOptions::check`].
    pub fn new(options: &GlacierOptions, number: usize) -> Result<GlacierScene> {
        options.check()?;
        let GlacierOptions { rows, cols, seed, .. } = *options;
        let region = &REGIONS[number % REGIONS.len()];
        let stream = number as i64 * STREAMS;
        let whole = |side: usize| (side + 2 * MARGIN).next_multiple_of(1 << LEVELS);
        let ground = Ground::invent([whole(rows), whole(cols)], CELL, MARGIN, region, seed, stream);
        let mut draw = Draw::new(seed, Purpose::Glacier, stream + 4);
        let noise = Noise::new(seed, Purpose::Glacier, stream + 5);
        let sun = Sun::of_morning(region, &mut draw);
        let cloudy = draw.uniform() < region.clouds;
        let share = if cloudy { 0.03 + 0.13 * draw.uniform() } else { 0.0 };
        let clouds = sky::clouds(&ground.surface, share, sun, &noise);
        let key = white_key(seed, Purpose::Glacier, stream + 6);
        let bands = optics::reflectance(&ground, &Sight { region, sun, clouds: &clouds, key }, &noise);
        let slope = ground.surface.like(|i| {
            let (east, south) = ground.surface.gradient(i);
            east.hypot(south).atan().to_degrees()
        });
        let cut = |field: &Field| field.inner(MARGIN, [rows, cols]);
        let over = cut(&clouds.over);
        let class = |i: usize| {
            let is_glacier = ground.is_glacier[(i / cols + MARGIN) * ground.surface.cols + i % cols + MARGIN];
            if options.mask_clouds && over.values[i] > 0.5 { UNLABELLED } else { u8::from(is_glacier) }
        };
        // Every other tile of a chessboard, so that no two scenes should fit together.
        let in_region = number / REGIONS.len();
        let tile = [1 + 2 * (in_region / TILES_ACROSS), 1 + 2 * (in_region % TILES_ACROSS)];
        Ok(GlacierScene {
            name: format!("{}-{:02}-{:02}", region.code, tile[0], tile[1]),
            region,
            tile,
            optical: bands.each_ref().map(cut),
            dem: [cut(&ground.surface), cut(&slope)],
            classes: (0..rows * cols).map(class).collect(),
        })
    }

    /// Easting and northing of the upper left corner, m.
    pub fn corner(&self) -> [f64; 2] {
        let [row, col] = self.tile.map(|place| (place - 1) as f64 * f64::from(CELL));
        let [east, north] = self.region.origin;
        [east + col * self.dem[0].cols as f64, north - row * self.dem[0].rows as f64]
    }
}
