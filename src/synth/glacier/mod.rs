//! Believable scenes of mountain glaciers as satellites see them: six bands, elevation with slope, and a map of what is glacier.
//!
//! Streams cut the mountains, snow drifts and slides into hollows, ice flows from there until it melts, rock falls onto it and comes out on
//! its tongues; then the sun shines on all of it. A scene is a pure function of the options and its number.

pub mod debris;
pub mod drainage;
pub mod field;
pub mod ground;
pub mod ice;
pub mod light;
pub mod optics;
pub mod region;
pub mod relief;
pub mod sky;

use super::noise::{Noise, white_key};
use crate::random::{Draw, Purpose};
use field::Field;
use ground::Ground;
use light::Sun;
use optics::{BANDS, Sight};
use region::{REGIONS, Region};
use relief::LEVELS;

/// Side of a pixel, m.
pub const CELL: f32 = 30.0;
/// Pixels around a scene that are made with it, so that it has no edges.
pub const MARGIN: usize = 40;
/// Streams of random numbers that a scene has.
const STREAMS: i64 = 16;

/// The number of class maps for what nobody labelled.
pub const UNLABELLED: u8 = 255;

/// A scene.
#[derive(Debug, Clone)]
pub struct GlacierScene {
    /// Its name: code of the region, row and column of the tile.
    pub name: String,
    /// Where it is of.
    pub region: &'static Region,
    /// Reflectance at the top of the atmosphere: blue, green, red, near infrared, short-wave infrared 1 and 2.
    pub optical: [Field; BANDS],
    /// Height of the surface, m, and its slope, degrees.
    pub dem: [Field; 2],
    /// 0 background, 1 glacier, [`UNLABELLED`].
    pub classes: Vec<u8>,
}

/// Makes a scene of `rows × cols` pixels.
pub fn scene([rows, cols]: [usize; 2], seed: u64, number: usize, mask_clouds: bool) -> GlacierScene {
    let region = &REGIONS[number % REGIONS.len()];
    let stream = number as i64 * STREAMS;
    let whole = |side: usize| (side + 2 * MARGIN).next_multiple_of(1 << LEVELS);
    let ground = Ground::invent([whole(rows), whole(cols)], CELL, MARGIN, region, seed, stream);
    let mut draw = Draw::new(seed, Purpose::Glacier, stream + 4);
    let noise = Noise::new(seed, Purpose::Glacier, stream + 5);
    let south = region.zone.1;
    // Late morning: the sun stands in the south-east, in the southern half of the world in the north-east.
    let azimuth = if south { 50.0 } else { 148.0 } + 24.0 * (draw.uniform() - 0.5);
    let elevation = region.sun.0 + region.sun.1 * (2.0 * draw.uniform() - 1.0);
    let sun = Sun { azimuth: azimuth.to_radians(), elevation: elevation.to_radians() };
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
    let glacier = ground.surface.like(|i| f32::from(u8::from(ground.is_glacier[i])));
    let (glacier, over) = (cut(&glacier), cut(&clouds.over));
    let class = |i: usize| if mask_clouds && over.values[i] > 0.5 { UNLABELLED } else { glacier.values[i] as u8 };
    GlacierScene {
        name: format!("{}-{number:02}", region.code),
        region,
        optical: bands.each_ref().map(cut),
        dem: [cut(&ground.surface), cut(&slope)],
        classes: (0..rows * cols).map(class).collect(),
    }
}
