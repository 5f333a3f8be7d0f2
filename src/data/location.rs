//! Where samples lie, as the numbers that a network sees of it, beside its rasters (Maslov et al. 2025, doi 10.1038/s41467-024-54956-x).
//!
//! `location: region`: 1 in the place of the scene's region, 0 in the others; the last place is that of unknown regions.
//! `location: coordinates`: sin φ, cos φ, sin λ, cos λ of latitude φ and longitude λ, in training of a crop's centre, in maps of the
//! scene's centre for all its tiles.

use std::path::PathBuf;

use super::Window;
use super::dataset::Dataset;
use super::day::Day;
use super::framed::Framed;
use super::loader::Batch;
use super::position::Position;
use crate::config::{Config, LocationKey};
use crate::domains::Unit;
use crate::error::{Error, Result};

/// Whose centre coordinates are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Centre {
    /// Each crop's own.
    Crop,
    /// The scene's, whatever the crop.
    Scene,
}

/// What is known of where a scene lies.
enum Place {
    /// The same numbers for every crop of it.
    Numbers(Vec<f32>),
    /// The way from its pixels to coordinates, and the rows above and the columns left of it in its frame.
    Pixels { position: Position, before: [usize; 2], file: PathBuf },
}

/// The locations of the scenes of a dataset.
pub struct Locations {
    numbers: usize,
    /// One a scene, or one for all days.
    places: Vec<Place>,
}

impl Locations {
    /// Those of a dataset; empty where the configured network sees none.
    ///
    /// # Errors
    /// [`Error::Input`] where coordinates are asked for and a raster has none; those of [`Config::location_numbers`].
    pub fn of(config: &Config, framed: &Framed, centre: Centre) -> Result<Locations> {
        let (numbers, dataset) = (config.location_numbers()?, framed.dataset());
        let places = match (config.location, dataset.domain().unit) {
            (LocationKey::None, _) => Vec::new(),
            (LocationKey::Region, _) => dataset.days().iter().map(|day| Place::Numbers(of_scene(config, day))).collect(),
            (LocationKey::Coordinates, Unit::Day) => vec![Place::of(framed, 0, centre)?],
            (LocationKey::Coordinates, Unit::Scene) => {
                (0..dataset.days().len()).map(|day| Place::of(framed, day, centre)).collect::<Result<_>>()?
            }
        };
        Ok(Locations { numbers, places })
    }

    /// Says that a scene lies where these numbers say.
    pub fn set(&mut self, scene: usize, numbers: &[f32]) {
        if let Some(place) = self.places.get_mut(scene) {
            *place = Place::Numbers(numbers.to_owned());
        }
    }

    /// Says of a batch where its samples lie, by its crops.
    ///
    /// # Errors
    /// [`Error::Input`] for a crop that lies beyond the world of its map.
    pub fn write(&self, batch: &mut Batch) -> Result<()> {
        batch.location.clear();
        if self.numbers > 0 {
            for crop in &batch.crops {
                let place = self.places.get(crop.day).or(self.places.first());
                let place = place.ok_or_else(|| Error::shape("location", format!("no place is known of scene {}", crop.day)))?;
                batch.location.extend(place.numbers(crop.window)?);
            }
        }
        Ok(())
    }
}

impl Place {
    /// The place of a scene by its georeference.
    fn of(framed: &Framed, day: usize, centre: Centre) -> Result<Place> {
        let (dataset, frame) = (framed.dataset(), framed.frame(day));
        let geo = dataset.output_geo(day)?;
        let file = file_of(dataset, day);
        let cure =
            "`location: coordinates` needs rasters that say where they are; `meltcore pack` brings them onto the grid of one that does";
        let position = Position::of(&geo).map_err(|what| Error::input(&file, format!("{what}; {cure}")))?;
        let place = Place::Pixels { position, before: frame.before, file };
        let [rows, cols] = frame.scene;
        let whole = Window { row: frame.before[0], col: frame.before[1], height: rows, width: cols };
        match centre {
            Centre::Crop => Ok(place),
            Centre::Scene => Ok(Place::Numbers(place.numbers(whole)?)),
        }
    }

    /// The numbers of a window of the frame.
    fn numbers(&self, window: Window) -> Result<Vec<f32>> {
        match self {
            Place::Numbers(numbers) => Ok(numbers.clone()),
            Place::Pixels { position, before, file } => {
                let middle = |start: usize, len: usize, before: usize| start as f64 + len as f64 / 2.0 - before as f64;
                let (row, col) = (middle(window.row, window.height, before[0]), middle(window.col, window.width, before[1]));
                let (longitude, latitude) = position.at(row, col).ok_or_else(|| {
                    let message = format!("has no longitude and latitude at row {row} and column {col}; check its place");
                    Error::input(file, message)
                })?;
                Ok(coordinates(longitude, latitude).to_vec())
            }
        }
    }
}

/// sin φ, cos φ, sin λ, cos λ of a longitude λ and a latitude φ in degrees.
pub fn coordinates(longitude: f64, latitude: f64) -> [f32; 4] {
    let [(sin_lat, cos_lat), (sin_lon, cos_lon)] = [latitude, longitude].map(|degrees| degrees.to_radians().sin_cos());
    [sin_lat, cos_lat, sin_lon, cos_lon].map(|number| number as f32)
}

/// 1 in the place of a region, of `numbers` places; of no region in the last.
pub fn one_region(place: Option<usize>, numbers: usize) -> Vec<f32> {
    let mut one = vec![0.0; numbers];
    if let Some(one) = one.get_mut(place.unwrap_or(numbers.saturating_sub(1))) {
        *one = 1.0;
    }
    one
}

/// The region of a scene as numbers; unknown of a day without a name.
fn of_scene(config: &Config, day: &Day) -> Vec<f32> {
    one_region(day.scene.and_then(|name| config.region_of(name)), config.regions.len() + 1)
}

/// The scenes of a dataset that are of no region which the configuration lists, by name.
pub fn of_unknown_region(config: &Config, dataset: &Dataset) -> Vec<String> {
    if config.location != LocationKey::Region {
        return Vec::new();
    }
    let is_unknown = |day: &&Day| day.scene.is_none_or(|name| config.region_of(name).is_none());
    dataset.days().iter().filter(is_unknown).map(Day::to_string).collect()
}

/// The raster that says where a scene is, for messages.
fn file_of(dataset: &Dataset, day: usize) -> PathBuf {
    dataset.target_file(day).or_else(|| dataset.input_files(day).into_iter().next()).unwrap_or_default()
}
