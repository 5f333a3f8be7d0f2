//! The files of a day's map: a GeoTIFF and, where wanted, a picture of it beside (`YYYY_MM_DD.tif`, `YYYY_MM_DD.png`).

use std::io::Write;
use std::path::Path;

use crate::data::day::Day;
use crate::data::geotags::GeoTags;
use crate::data::writer::write_geotiff;
use crate::error::Result;
use crate::files::write_atomically;
use crate::image::{Field, quicklook};
use crate::tasks::Band;

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
    /// The files of one model's maps; `label` is what the pictures call it, `band` what they show, `ocean` 1 on ocean, which is grey.
    pub fn files(self, label: &str, band: Band, scene: [usize; 2], ocean: &[f32]) -> MapFiles<'a> {
        MapFiles { destination: self, label: label.to_owned(), band, scene, ocean: ocean.iter().map(|ocean| *ocean > 0.5).collect() }
    }
}

/// Writes the maps of one model.
#[derive(Debug)]
pub struct MapFiles<'a> {
    destination: Destination<'a>,
    label: String,
    band: Band,
    scene: [usize; 2],
    ocean: Vec<bool>,
}

impl MapFiles<'_> {
    /// Writes the map of a day, and its picture; each file appears whole or not at all.
    ///
    /// # Shapes
    /// `map`: rows × cols of the scene, or several such bands one after the other.
    ///
    /// # Errors
    /// [`Error::Output`](crate::error::Error::Output) where a file cannot be written, [`Error::Shape`](crate::error::Error::Shape) for a
    /// map of another size.
    pub fn write(&self, day: &Day, map: &[f32], geo: &GeoTags) -> Result<()> {
        let [rows, cols] = self.scene;
        let path = self.destination.folder.join(day.file_name());
        write_geotiff(&path, rows, cols, map, geo)?;
        if !self.destination.pictures {
            return Ok(());
        }
        let first = &map[..map.len().min(rows * cols)];
        let field = Field { unit: String::new(), ..self.band.field(self.band.quantity, first, self.scene, &self.ocean) };
        let picture = quicklook(&format!("{day}   {}", self.label), &field, "ocean")?.to_png()?;
        write_atomically(path.with_extension("png"), |file| file.write_all(&picture))
    }
}
