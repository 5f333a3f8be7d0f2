//! The files of a day's map: a GeoTIFF and, where wanted, a picture of it beside (`YYYY_MM_DD.tif`, `YYYY_MM_DD.png`).

use std::io::Write;
use std::path::{Path, PathBuf};

use super::origin::Origin;
use crate::data::class_map::{NO_CLASS, beside_map, write_class_map};
use crate::data::dataset::Dataset;
use crate::data::day::Day;
use crate::data::described::bands_of;
use crate::data::geotags::GeoTags;
use crate::data::seen;
use crate::data::writer::{is_map, write_map};
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::image::{Field, quicklook};
use crate::tasks::{Band, Task};

/// Where the maps of a model go, and whether pictures of them go there too.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The folder; made where it is missing.
    pub folder: &'a Path,
    /// Whether a PNG is written beside each GeoTIFF.
    pub pictures: bool,
    /// Replace files under the names of maps although no list of maps knows them.
    pub replace: bool,
}

impl<'a> Destination<'a> {
    /// The files of one model's maps; `label` is what they call it, `weights` the digest of its weights, empty where it has none.
    pub fn files(self, label: &str, task: &dyn Task, weights: &str) -> MapFiles<'a> {
        let beside = (!task.beside().is_empty()).then(|| Origin::beside(label, task, weights));
        MapFiles {
            destination: self,
            origin: Origin::of(label, task, weights),
            beside,
            bands: task.bands().len(),
            band: task.bands()[0],
            certainty: task.certainty(),
            grey: task.words().of.grey[0],
        }
    }
}

/// Where a map lies.
#[derive(Debug, Clone)]
pub struct Place {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Its georeference.
    pub geo: GeoTags,
    /// Where it is ocean, which is grey in pictures.
    pub ocean: Vec<bool>,
}

impl Place {
    /// That of a day of a dataset.
    ///
    /// # Errors
    /// Those of reading target and mask.
    pub fn of(dataset: &Dataset, day: usize) -> Result<Place> {
        Ok(Place::new(dataset.scene(day), dataset.output_geo(day)?, &dataset.ocean(day)?))
    }

    /// With a mask of 1 on ocean.
    pub fn new(size: [usize; 2], geo: GeoTags, ocean: &[f32]) -> Place {
        Place { size, geo, ocean: ocean.iter().map(|ocean| *ocean > 0.5).collect() }
    }

    /// Makes NaN of a map's values on ocean.
    pub fn mask(&self, map: &mut [f32]) {
        map.iter_mut().zip(self.ocean.iter().cycle()).filter(|(_, ocean)| **ocean).for_each(|(value, _)| *value = f32::NAN);
    }
}

/// Writes the maps of one model.
#[derive(Debug)]
pub struct MapFiles<'a> {
    destination: Destination<'a>,
    origin: Origin,
    /// Of the file of further bands, where there are any.
    beside: Option<Origin>,
    bands: usize,
    band: Band,
    /// Titles by which a file beside is known to say how sure a map is.
    certainty: Option<[&'static str; 2]>,
    /// What is grey in pictures.
    grey: &'static str,
}

impl MapFiles<'_> {
    /// Writes the map of a day, how many observations it rests on where that is known ([`crate::data::seen`]), and its picture; each file
    /// appears whole or not at all.
    ///
    /// # Shapes
    /// `map`: rows × cols of the place, or several such bands one after the other; `seen`: rows × cols.
    ///
    /// # Errors
    /// [`Error::Output`](crate::error::Error::Output) where a file cannot be written, [`Error::Shape`](crate::error::Error::Shape) for a
    /// map of another size.
    pub fn write(&self, day: &Day, map: &[f32], seen: Option<&[f32]>, place: &Place) -> Result<()> {
        let path = self.path(day);
        // First, so that no map is there without its counts.
        if let Some(seen) = seen {
            write_map(&seen::beside(&path), place.size, seen, &place.geo, &self.origin.about_counts(day))?;
        }
        let (map, beside) = map.split_at(map.len().min(self.bands * place.size[0] * place.size[1]));
        let path_beside = beside_map(&path);
        match &self.beside {
            Some(origin) => write_map(&path_beside, place.size, beside, &place.geo, &origin.about(day))?,
            // That of the map which this one replaces says nothing of it; what is no such file is somebody's own.
            None if self.is_certainty(&path_beside) => std::fs::remove_file(&path_beside).map_err(|e| {
                Error::output(&path_beside, format!("is of the map that is made again, and cannot be removed ({e})")).because(e)
            })?,
            None => {}
        }
        match self.band.classes {
            [] => write_map(&path, place.size, map, &place.geo, &self.origin.about(day))?,
            names => {
                let number = |value: &f32| if value.is_nan() { NO_CLASS } else { *value as u8 };
                let classes: Vec<u8> = map.iter().map(number).collect();
                write_class_map(&path, place.size, &classes, &place.geo, names, &self.origin.about(day))?;
            }
        }
        self.draw(day, map, seen, place)
    }

    /// As [`write`](MapFiles::write), but files that are these maps already stay untouched, whatever version of the program made them: runs
    /// that were trained on them then know them for the same.
    ///
    /// # Errors
    /// Those of [`write`](MapFiles::write).
    pub fn renew(&self, day: &Day, map: &[f32], seen: Option<&[f32]>, place: &Place) -> Result<()> {
        let (path, Place { size, geo, .. }) = (self.path(day), place);
        let counts = seen.map(|seen| is_map(&seen::beside(&path), *size, seen, geo, &self.origin.about_counts(day)));
        match counts.transpose()?.unwrap_or(true) && is_map(&path, *size, map, geo, &self.origin.about(day))? {
            true => self.draw(day, map, seen, place),
            false => self.write(day, map, seen, place),
        }
    }

    /// Whether a file says how sure a map is.
    fn is_certainty(&self, path: &Path) -> bool {
        let Some(titles) = self.certainty.filter(|_| path.is_file()) else { return false };
        bands_of(path).is_ok_and(|bands| bands.iter().any(|band| titles.contains(&band.title.as_str())))
    }

    fn path(&self, day: &Day) -> PathBuf {
        self.destination.folder.join(day.file_name())
    }

    /// The picture, where one is wanted.
    fn draw(&self, day: &Day, map: &[f32], seen: Option<&[f32]>, place: &Place) -> Result<()> {
        if !self.destination.pictures {
            return Ok(());
        }
        let first = &map[..map.len().min(place.size[0] * place.size[1])];
        let unseen = |(ocean, count): (&bool, &f32)| *ocean || *count == 0.0;
        let grey: Option<Vec<bool>> = seen.map(|seen| place.ocean.iter().zip(seen).map(unseen).collect());
        let (masked, why) = grey.as_ref().map_or((&place.ocean, self.grey), |grey| (grey, "ocean or not seen"));
        let field = Field { unit: String::new(), ..self.band.field(self.band.quantity, first, place.size, masked) };
        let picture = quicklook(&format!("{day}   {}", self.origin.model), &field, why)?.to_png()?;
        write_atomically(self.path(day).with_extension("png"), |file| file.write_all(&picture))
    }
}
