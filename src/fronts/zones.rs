//! Maps of zones as files: PNG in the greys of CaFFe, or GeoTIFF; in either the numbers of classes may stand.

use std::path::Path;

use crate::data::class_map::{NO_CLASS, class_names};
use crate::data::described::bands_of;
use crate::data::geotags::GeoTags;
use crate::data::grey_png::{is_called_png, read_grey_png, write_grey_png};
use crate::data::raster::Raster;
use crate::domains::{ZONE_GREYS, ZONES, zones_from_bytes};
use crate::error::{Error, Result};

/// Class of what nobody sees: radar shadow, layover, outside the swath.
pub const NA: u8 = 0;
/// Class of bare rock.
pub const STONE: u8 = 1;
/// Class of the glacier.
pub const GLACIER: u8 = 2;
/// Class of the ocean and the ice that floats in it.
pub const OCEAN: u8 = 3;

/// The zones of a scene.
#[derive(Debug, Clone)]
pub struct ZoneMap {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// The class of each pixel, row after row: [`NA`], [`STONE`], [`GLACIER`] or [`OCEAN`].
    pub classes: Vec<u8>,
    /// Where it lies; empty of a PNG.
    pub geo: GeoTags,
}

/// Reads a map of zones: numbers of classes by the names that the file says, else by `classes`, else those of [`ZONES`] in their order;
/// greys by their meaning. Pixels without a value, and those of classes of other names, are [`NA`].
///
/// # Errors
/// Those of [`read_grey_png`] and [`Raster::open`]; [`Error::Input`] for a pixel that is of no zone.
pub fn read_zones(path: &Path, classes: &[String]) -> Result<ZoneMap> {
    let is_png = is_called_png(path);
    let (rows, cols, values, geo) = if is_png {
        let image = read_grey_png(path)?;
        (image.rows, image.cols, image.values.into_iter().map(f32::from).collect(), GeoTags::default())
    } else {
        refuse_several_bands(path)?;
        let raster = Raster::open(path)?;
        (raster.rows(), raster.cols(), raster.read_all()?, raster.geo().clone())
    };
    let is_grey = |value: &f32| *value >= classes.len() as f32 && ZONE_GREYS.iter().any(|grey| f32::from(*grey) == *value);
    let said = || Some(classes.to_vec()).filter(|classes| !classes.is_empty() && !values.iter().any(is_grey));
    let names = if is_png { None } else { class_names(path) }.or_else(said);
    let nothing = if names.is_some() { NO_CLASS } else { NA };
    let byte = |(at, value): (usize, &f32)| match *value {
        value if value.is_nan() => Ok(nothing),
        value if value.fract() == 0.0 && (0.0..=255.0).contains(&value) => Ok(value as u8),
        value => {
            let (row, col) = (at / cols, at % cols);
            let message = format!("holds {value} at row {row}, column {col}, and zones are whole numbers; is it a map of zones?");
            Err(Error::input(path, message))
        }
    };
    let mut classes = values.iter().enumerate().map(byte).collect::<Result<Vec<u8>>>()?;
    match names {
        Some(names) => by_name(&mut classes, cols, &names),
        None => zones_from_bytes(&mut classes, cols),
    }
    .map_err(|message| Error::input(path, message))?;
    Ok(ZoneMap { rows, cols, classes, geo })
}

/// Refuses what is no one map, such as the probabilities beside it.
fn refuse_several_bands(path: &Path) -> Result<()> {
    // What is no GeoTIFF, opening refuses.
    match bands_of(path).map_or(1, |bands| bands.len()) {
        0 | 1 => Ok(()),
        bands => {
            let message =
                format!("has {bands} bands, and a map of zones has one; are these probabilities? The maps are in the folder above");
            Err(Error::input(path, message))
        }
    }
}

/// Turns numbers of classes into those of the zones of the same names; classes of other names are [`NA`].
fn by_name(classes: &mut [u8], cols: usize, names: &[String]) -> Result<(), String> {
    let zones: Vec<u8> = names.iter().map(|name| ZONES.iter().position(|zone| zone == name).unwrap_or_default() as u8).collect();
    if !zones.contains(&GLACIER) || !zones.contains(&OCEAN) {
        return Err(format!("is a map of {}; a front lies between the classes glacier and ocean", names.join(", ")));
    }
    for (at, class) in classes.iter_mut().enumerate() {
        *class = match zones.get(usize::from(*class)) {
            Some(zone) => *zone,
            None if *class == NO_CLASS => NA,
            None => return Err(format!("holds {class} at row {}, column {}, and its classes end before", at / cols, at % cols)),
        };
    }
    Ok(())
}

/// Writes zones as a PNG in the greys of CaFFe, which appears whole or not at all; a class beyond the four is written as [`NA`].
///
/// # Shapes
/// `size`: rows and columns; `classes`: rows × columns, row after row.
///
/// # Errors
/// Those of [`write_grey_png`].
pub fn write_zones_png(path: &Path, size: [usize; 2], classes: &[u8]) -> Result<()> {
    let greys: Vec<u8> = classes.iter().map(|class| ZONE_GREYS.get(usize::from(*class)).copied().unwrap_or(ZONE_GREYS[0])).collect();
    write_grey_png(path, size, &greys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::about::About;
    use crate::data::class_map::write_class_map;
    use crate::data::day::Day;
    use crate::data::writer::write_geotiff;

    #[test]
    fn zones_are_written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a_zones.png");
        let classes = vec![NA, STONE, GLACIER, OCEAN, OCEAN, NA];
        write_zones_png(&path, [2, 3], &classes).unwrap();
        assert_eq!(read_grey_png(&path).unwrap().values, [0, 64, 127, 254, 254, 0]);
        let read = read_zones(&path, &[]).unwrap();
        assert_eq!((read.rows, read.cols, read.classes), (2, 3, classes));
    }

    #[test]
    fn maps_that_name_their_classes_are_read_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        let about = About { software: "meltcore 0".into(), day: Day::UNDATED, bands: Vec::new(), items: Vec::new() };
        let write = |names: &[&str]| write_class_map(&path, [1, 4], &[0, 1, 2, NO_CLASS], &GeoTags::default(), names, &about).unwrap();
        write(&["ocean", "glacier", "rock"]);
        assert_eq!(read_zones(&path, &[]).unwrap().classes, [OCEAN, GLACIER, NA, NA]);
        // What the file says is surer than what is said of it.
        assert_eq!(read_zones(&path, &["glacier", "ocean"].map(String::from)).unwrap().classes, [OCEAN, GLACIER, NA, NA]);
        write(&["rock", "ice", "debris"]);
        assert!(read_zones(&path, &[]).unwrap_err().to_string().contains("is a map of rock, ice, debris; a front lies between"));
    }

    #[test]
    fn numbers_go_by_the_names_that_are_said_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let [tif, png] = ["a.tif", "a.png"].map(|name| folder.path().join(name));
        let names = ["ocean", "glacier", "melange"].map(String::from);
        write_geotiff(&tif, 1, 4, &[0.0, 1.0, 2.0, f32::NAN], &GeoTags::default()).unwrap();
        assert_eq!(read_zones(&tif, &names).unwrap().classes, [OCEAN, GLACIER, NA, NA]);
        assert!(read_zones(&tif, &names[..2]).unwrap_err().to_string().contains("holds 2 at row 0, column 2, and its classes end before"));
        write_grey_png(&png, [1, 3], &[0, 1, 2]).unwrap();
        assert_eq!(read_zones(&png, &names).unwrap().classes, [OCEAN, GLACIER, NA]);
        write_zones_png(&png, [1, 4], &[NA, STONE, GLACIER, OCEAN]).unwrap();
        assert_eq!(read_zones(&png, &names).unwrap().classes, [NA, STONE, GLACIER, OCEAN]);
    }

    #[test]
    fn rasters_hold_greys_or_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a_zones.tif");
        for values in [[0.0, 1.0, 2.0, 3.0, f32::NAN], [0.0, 64.0, 127.0, 254.0, f32::NAN]] {
            write_geotiff(&path, 1, 5, &values, &GeoTags::default()).unwrap();
            assert_eq!(read_zones(&path, &[]).unwrap().classes, [NA, STONE, GLACIER, OCEAN, NA]);
        }
        write_geotiff(&path, 1, 2, &[0.0, 0.5], &GeoTags::default()).unwrap();
        let refused = read_zones(&path, &[]).unwrap_err().to_string();
        assert!(refused.contains("a_zones.tif: holds 0.5 at row 0, column 1, and zones are whole numbers"), "{refused}");
        write_geotiff(&path, 1, 2, &[0.5; 6], &GeoTags::default()).unwrap();
        assert!(read_zones(&path, &[]).unwrap_err().to_string().contains("a_zones.tif: has 3 bands, and a map of zones has one"));
        write_geotiff(&path, 1, 2, &[3.0, 7.0], &GeoTags::default()).unwrap();
        assert!(read_zones(&path, &[]).unwrap_err().to_string().contains("a_zones.tif: holds 7 at row 0, column 1"));
    }
}
