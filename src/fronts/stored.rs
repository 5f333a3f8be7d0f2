//! Fronts as files: PNG or GeoTIFF of one byte a pixel, 255 on the front and 0 elsewhere; read is whatever is not 0.

use std::path::Path;

use super::drawing::Front;
use crate::data::about::About;
use crate::data::geotags::GeoTags;
use crate::data::grey_png::{is_called_png, read_grey_png, write_grey_png};
use crate::data::raster::Raster;
use crate::data::writer::write_bytes;
use crate::error::Result;

/// The front of a scene as a file holds it.
#[derive(Debug, Clone)]
pub struct StoredFront {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Which pixels are on it, row after row.
    pub pixels: Vec<bool>,
    /// Where it lies; empty of a PNG.
    pub geo: GeoTags,
}

/// Reads a front: every pixel that is not 0 and has a value.
///
/// # Errors
/// Those of [`read_grey_png`] and [`Raster::open`].
pub fn read_front(path: &Path) -> Result<StoredFront> {
    if is_called_png(path) {
        let image = read_grey_png(path)?;
        let pixels = image.values.iter().map(|value| *value != 0).collect();
        return Ok(StoredFront { size: [image.rows, image.cols], pixels, geo: GeoTags::default() });
    }
    let raster = Raster::open(path)?;
    let pixels = raster.read_all()?.iter().map(|value| *value != 0.0 && !value.is_nan()).collect();
    Ok(StoredFront { size: [raster.rows(), raster.cols()], pixels, geo: raster.geo().clone() })
}

/// Writes a front: as PNG where the file is called so, which has no place, else as GeoTIFF. It appears whole or not at all.
///
/// # Errors
/// Those of [`write_grey_png`] and [`write_bytes`].
pub fn write_front(path: &Path, front: &Front, geo: &GeoTags, about: &About) -> Result<()> {
    match is_called_png(path) {
        true => write_grey_png(path, front.size, &front.bytes()),
        false => write_bytes(path, front.size, &front.bytes(), geo, about),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::day::Day;
    use crate::fronts::drawing::Drawing;

    #[test]
    fn fronts_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let classes: Vec<u8> = (0..6 * 5).map(|at| if at % 5 < 2 + at / 20 { 3 } else { 2 }).collect();
        let front = Drawing::at(750.0).draw(&classes, [6, 5]).unwrap();
        let about = About { software: "meltcore 0".into(), day: Day::UNDATED, bands: Vec::new(), items: Vec::new() };
        for name in ["a_front.png", "a_front.tif"] {
            let path = folder.path().join(name);
            write_front(&path, &front, &GeoTags::default(), &about).unwrap();
            let read = read_front(&path).unwrap();
            assert_eq!((read.size, &read.pixels), ([6, 5], &front.pixels), "{name}");
            assert_eq!(read.pixels.iter().filter(|pixel| **pixel).count(), 6);
        }
        let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(folder.path().join("a_front.tif")).unwrap()).unwrap();
        assert!(decoder.get_tag_ascii_string(tiff::tags::Tag::GdalNodata).is_err());
        assert!(read_front(&folder.path().join("b_front.png")).is_err());
    }
}
