//! A glacier, its labelled and unlabelled radar scenes, and its optical twin.

use super::super::field::Field;
use super::super::noise::{Noise, white_key};
use super::archive::{SENSORS, SENTINEL_1, Sensor, day_of, sensor_of, share_of_archive};
use super::fjord::Fjord;
use super::ground::{Ground, Kind};
use super::optical;
use super::place::{PLACES, Place};
use super::radar::{self, Look, Sight};
use super::sea::Weather;
use super::{CELL, CalvingOptions};
use crate::data::day::Day;
use crate::error::Result;
use crate::random::{Draw, Purpose};

/// Streams of random numbers: of a glacier, of a scene, and where those of the unlabelled scenes and of the optical twins begin.
const OF_GLACIER: i64 = 64;
const OF_SCENE: i64 = 8;
const SCENES_FROM: i64 = 1 << 12;
const UNLABELLED_FROM: i64 = 1 << 16;
const TWINS_FROM: i64 = 1 << 20;
/// Share of the archive from which on there are Sentinel-1 scenes.
const SENTINEL_FROM: f32 = 0.72;
/// How far ice flows in the years of the archive, as a share of the side.
const FLOW: f32 = 4.0;

/// A labelled scene.
#[derive(Debug, Clone)]
pub struct CalvingScene {
    /// Its name, as CaFFe's scenes have: `GLACIER_YYYY-MM-DD_SENSOR_RESOLUTION_QUALITY_ORBIT`.
    pub name: String,
    /// Which glacier.
    pub place: &'static Place,
    /// When.
    pub day: Day,
    /// Side of a pixel, m.
    pub resolution: u16,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Greys, row after row.
    pub grey: Vec<u8>,
    /// Zones: 0 not seen, 1 rock, 2 glacier, 3 sea.
    pub zones: Vec<u8>,
    /// Rows and columns (first and behind the last) that hold the front.
    pub bounds: [[usize; 2]; 2],
}

/// A scene for pretraining.
#[derive(Debug, Clone)]
pub struct UnlabelledScene {
    /// Its name: `S1_GLACIER_YYYY-MM-DD`.
    pub name: String,
    /// Which glacier.
    pub place: &'static Place,
    /// When.
    pub day: Day,
    /// Greys, row after row.
    pub grey: Vec<u8>,
}

/// The optical scene of a glacier, on the grid of its unlabelled scenes.
#[derive(Debug, Clone)]
pub struct OpticalTwin {
    /// Its name: `GLACIER_YYYY-MM-DD`.
    pub name: String,
    /// Which glacier.
    pub place: &'static Place,
    /// Bands, see [`optical`].
    pub bands: [Field; optical::BANDS],
}

/// What all scenes of a glacier share.
struct Glacier {
    place: &'static Place,
    fjord: Fjord,
    land: Noise,
    texture: Noise,
    stream: i64,
}

impl Glacier {
    fn new(options: &CalvingOptions, number: usize) -> Glacier {
        let (place, stream, seed) = (&PLACES[number], number as i64 * OF_GLACIER, options.seed);
        let metres = [options.cols, options.rows].map(|side| side as f32 * CELL);
        let noise = |index: i64| Noise::new(seed, Purpose::Calving, stream + index);
        Glacier { place, fjord: Fjord::new(place, metres, seed, stream), land: noise(2), texture: noise(3), stream }
    }

    /// One of the two orbits of a radar: its number and its look.
    fn look(&self, sensor: &'static Sensor, second: bool, seed: u64) -> (u16, Look) {
        let index = SENSORS.iter().position(|other| other.name == sensor.name).unwrap_or(0) as i64;
        let mut draw = Draw::new(seed, Purpose::Calving, self.stream + 16 + 2 * index + i64::from(second));
        (1 + draw.below(499) as u16, Look::of_orbit(sensor, &mut draw))
    }

    /// What a radar sees on a day, on pixels of `cell` metres: the ground, greys, what of it is seen, and how good the picture is, 1 to 6.
    fn seen(&self, options: &CalvingOptions, day: Day, look: &Look, stream: i64) -> Seen {
        let cell = f32::from(look.sensor.resolution);
        let size = [options.rows, options.cols].map(|side| (side as f32 * CELL / cell).round() as usize);
        let ground = Ground::of(&self.fjord, size, cell, day, &self.land);
        let (seed, side) = (options.seed, self.fjord.side());
        let mut draw = Draw::new(seed, Purpose::Calving, stream + 1);
        let weather = Weather::of(self.place, day, &mut draw);
        let sight = Sight {
            look,
            weather,
            gain: 1.5 * draw.normal().clamp(-2.0, 2.0),
            melange_gain: 1.8 * draw.normal().clamp(-2.0, 2.0),
            noise: Noise::new(seed, Purpose::Calving, stream + 2),
            texture: &self.texture,
            moved: FLOW * side * share_of_archive(day),
            key: white_key(seed, Purpose::Calving, stream + 3),
        };
        let (grey, is_seen) = radar::image(&ground, &sight, side);
        let hard = weather.melange + 0.6 * weather.wet + 0.5 * weather.wind + if look.sensor.looks < 4 { 0.5 } else { 0.0 };
        Seen { size, ground, grey, is_seen, quality: 1 + (2.2 * hard).min(5.0) as u8 }
    }
}

struct Seen {
    size: [usize; 2],
    ground: Ground,
    grey: Vec<u8>,
    is_seen: Vec<bool>,
    quality: u8,
}

/// How many of `count` scenes a glacier has that are dealt out by turns.
fn share_of(count: usize, glacier: usize) -> usize {
    (count + PLACES.len() - 1 - glacier) / PLACES.len()
}

impl CalvingScene {
    /// Makes one of the scenes of a dataset, by its number from 0: all of the first glacier, then all of the second.
    ///
    /// # Errors
    /// Those of [`CalvingOptions::check`].
    pub fn new(options: &CalvingOptions, number: usize) -> Result<CalvingScene> {
        options.check()?;
        let (which, in_glacier) = glacier_of(options.scenes, number);
        let glacier = Glacier::new(options, which);
        let stream = SCENES_FROM + number as i64 * OF_SCENE;
        let mut draw = Draw::new(options.seed, Purpose::Calving, stream);
        let day = day_of(in_glacier, share_of(options.scenes, which), 0.0, &mut draw);
        let sensor = sensor_of(day, &mut draw);
        let (orbit, look) = glacier.look(sensor, draw.uniform() < 0.3, options.seed);
        let Seen { size, ground, grey, is_seen, quality } = glacier.seen(options, day, &look, stream);
        let zone = |(kind, is_seen): (&Kind, &bool)| match (is_seen, kind) {
            (false, _) => 0,
            (true, Kind::Rock) => 1,
            (true, Kind::Upland | Kind::Tongue) => 2,
            (true, Kind::Sea) => 3,
        };
        let zones = ground.kind.iter().zip(&is_seen).map(zone).collect();
        let bounds = bounds(&glacier, &ground);
        let (place, resolution) = (glacier.place, sensor.resolution);
        let name = format!("{}_{day}_{}_{resolution}_{quality}_{orbit:03}", place.name, sensor.name);
        Ok(CalvingScene { name, place, day, resolution, size, grey, zones, bounds })
    }
}

impl UnlabelledScene {
    /// Makes one of the unlabelled scenes of a dataset, by its number from 0.
    ///
    /// # Errors
    /// Those of [`CalvingOptions::check`].
    pub fn new(options: &CalvingOptions, number: usize) -> Result<UnlabelledScene> {
        options.check()?;
        let (which, in_glacier) = glacier_of(options.unlabelled, number);
        let glacier = Glacier::new(options, which);
        let stream = UNLABELLED_FROM + number as i64 * OF_SCENE;
        let mut draw = Draw::new(options.seed, Purpose::Calving, stream);
        let day = day_of(in_glacier, share_of(options.unlabelled, which), SENTINEL_FROM, &mut draw);
        let (_, look) = glacier.look(SENTINEL_1, draw.uniform() < 0.3, options.seed);
        let grey = glacier.seen(options, day, &look, stream).grey;
        Ok(UnlabelledScene { name: format!("S1_{}_{day}", glacier.place.name), place: glacier.place, day, grey })
    }
}

impl OpticalTwin {
    /// Makes the optical scene of a glacier, by the glacier's number from 0.
    ///
    /// # Errors
    /// Those of [`CalvingOptions::check`].
    pub fn new(options: &CalvingOptions, number: usize) -> Result<OpticalTwin> {
        options.check()?;
        let glacier = Glacier::new(options, number % PLACES.len());
        let stream = TWINS_FROM + number as i64 * OF_SCENE;
        let mut draw = Draw::new(options.seed, Purpose::Calving, stream);
        let day = day_of(0, 1, 0.5 * (SENTINEL_FROM + 1.0), &mut draw);
        let ground = Ground::of(&glacier.fjord, [options.rows, options.cols], CELL, day, &glacier.land);
        let weather = Weather::of(glacier.place, day, &mut draw);
        let noise = Noise::new(options.seed, Purpose::Calving, stream + 2);
        let key = white_key(options.seed, Purpose::Calving, stream + 3);
        let bands = optical::bands(&ground, &weather, glacier.fjord.side(), &glacier.texture, &noise, key);
        Ok(OpticalTwin { name: format!("{}_{day}", glacier.place.name), place: glacier.place, bands })
    }
}

/// The middle of a glacier's fjord, from the ice to the sea, by the glacier's number from 0: points in metres to the east and south of its
/// scenes' upper left corner.
pub fn centre_line(options: &CalvingOptions, number: usize) -> Vec<[f32; 2]> {
    Glacier::new(options, number % PLACES.len()).fjord.middle()
}

/// The glacier of a scene among `count`, and the scene's number in it.
fn glacier_of(count: usize, number: usize) -> (usize, usize) {
    let mut left = number;
    for glacier in 0..PLACES.len() {
        let of_it = share_of(count, glacier);
        if left < of_it {
            return (glacier, left);
        }
        left -= of_it;
    }
    (PLACES.len() - 1, left)
}

/// Rows and columns, first and behind the last, between which the front of a glacier has been in all years.
fn bounds(glacier: &Glacier, ground: &Ground) -> [[usize; 2]; 2] {
    let (rows, cols, side) = (ground.height.rows, ground.height.cols, glacier.fjord.side());
    let reach = glacier.place.travel + 0.22;
    let mut bounds = [[rows, 0], [cols, 0]];
    for (i, at) in ground.along.iter().enumerate() {
        if at.outside() < 0.02 * side && (at.length / side - 0.02).abs() < reach {
            for (place, side) in [i / cols, i % cols].into_iter().zip(&mut bounds) {
                *side = [side[0].min(place), side[1].max(place + 1)];
            }
        }
    }
    bounds
}
