//! Maps of classes as files: a byte a pixel, its class by number, 255 where nobody knows; with a colour for each class and their names.
//!
//! The colours are a TIFF palette, which any GIS shows; the names stand in GDAL's metadata as `CLASSES`.
//! Source: TIFF 6.0 section 5 (palette colour).

use std::path::{Path, PathBuf};

use super::about::About;
use super::geotags::GeoTags;
use super::raster::Raster;
use super::writer::write_coloured;
use crate::domains::class_colour;
use crate::error::{Error, Result};

/// What stands where no class is known.
pub const NO_CLASS: u8 = 255;

/// The file of a map's further bands, under its name in the folder `probability` beside it.
pub fn beside_map(map: &Path) -> PathBuf {
    let folder = map.parent().unwrap_or(Path::new("")).join("probability");
    folder.join(map.file_name().unwrap_or_default())
}

/// The classes of a scene.
#[derive(Debug, Clone)]
pub struct ClassMap {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// The class of each pixel, row after row; [`NO_CLASS`] for none.
    pub classes: Vec<u8>,
    /// Where it lies.
    pub geo: GeoTags,
}

/// Writes a map of classes; the file appears whole or not at all.
///
/// # Shapes
/// `scene`: rows and columns; `classes`: rows × columns, row after row; `names`: one a class, by number.
///
/// # Errors
/// [`Error::Shape`] for another number of pixels, and for a class without a name; those of
/// [`write_atomically`](crate::files::write_atomically).
pub fn write_class_map(path: &Path, scene: [usize; 2], classes: &[u8], geo: &GeoTags, names: &[&str], about: &About) -> Result<()> {
    if let Some(at) = classes.iter().position(|class| *class != NO_CLASS && usize::from(*class) >= names.len()) {
        let (row, col) = (at / scene[1].max(1), at % scene[1].max(1));
        return Err(Error::shape("class map", format!("row {row}, column {col} is of class {} of {}", classes[at], names.len())));
    }
    let mut colours = [[0; 3]; 256];
    colours.iter_mut().enumerate().take(names.len()).for_each(|(class, colour)| *colour = class_colour(class, names));
    let mut about = about.clone();
    let legend: Vec<String> = names.iter().enumerate().map(|(class, name)| format!("{class} {name}")).collect();
    about.items.push(("CLASSES", format!("{}; {NO_CLASS} no class", legend.join("; "))));
    write_coloured(path, scene, classes, geo, &about, (&colours, NO_CLASS))
}

/// Reads a map of classes, whole numbers below `classes` of any type; what is no-data, and 255, is [`NO_CLASS`].
///
/// # Errors
/// Those of [`Raster::open`]; a pixel that is of no class.
pub fn read_class_map(path: &Path, classes: usize) -> Result<ClassMap> {
    let raster = Raster::open(path)?;
    let (rows, cols) = (raster.rows(), raster.cols());
    let class = |(at, value): (usize, f32)| match value {
        value if value.is_nan() || value == f32::from(NO_CLASS) => Ok(NO_CLASS),
        value if value.fract() == 0.0 && (0.0..classes.min(usize::from(NO_CLASS)) as f32).contains(&value) => Ok(value as u8),
        value => {
            let (row, col, last) = (at / cols, at % cols, classes.saturating_sub(1));
            let message = format!(
                "holds {value} at row {row}, column {col}, and classes are the whole numbers from 0 to {last}; name further classes in the \
                 configuration, or declare what stands for \"no class\" as no-data (gdal_edit.py -a_nodata {value})"
            );
            Err(Error::input(path, message))
        }
    };
    let classes = raster.read_all()?.into_iter().enumerate().map(class).collect::<Result<Vec<u8>>>()?;
    Ok(ClassMap { rows, cols, classes, geo: raster.geo().clone() })
}

/// The names of the classes in a map that says them, by their numbers; none of other files.
pub fn class_names(path: &Path) -> Option<Vec<String>> {
    let bytes = super::mapped::map_file(path).ok()?;
    let directory = super::ifd::Directory::read(&bytes).ok()?;
    let legend = super::gdal_metadata::item(directory.text(super::tags::GDAL_METADATA)?, "CLASSES")?;
    let named = |(number, entry): (usize, &str)| entry.trim().strip_prefix(&format!("{number} ")).map(str::to_owned);
    let classes: Vec<&str> = legend.split(';').filter(|entry| !entry.trim().starts_with(&format!("{NO_CLASS} "))).collect();
    classes.into_iter().enumerate().map(named).collect()
}

/// Whether a file is a raster of bytes of this size.
pub(super) fn is_class_map(path: &Path, [rows, cols]: [usize; 2]) -> bool {
    let layout = super::mapped::map_file(path).and_then(|bytes| super::declared::declared(&bytes, path));
    layout.is_ok_and(|layout| layout.sample == super::geotiff::SampleType::Unsigned(8) && (layout.rows, layout.cols) == (rows, cols))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::about::BandAbout;
    use crate::data::day::Day;

    fn about() -> About {
        let bands = vec![BandAbout { description: "class".into(), unit: String::new() }];
        About { software: "meltcore 0".into(), day: Day::UNDATED, bands, items: vec![("TASK", "segmentation".into())] }
    }

    #[test]
    fn classes_are_written_and_read_with_what_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.tif");
        let classes: Vec<u8> = (0..7 * 301).map(|index| [0, 1, 2, NO_CLASS][index % 4]).collect();
        write_class_map(&path, [7, 301], &classes, &GeoTags::default(), &["rock", "ice", "snow & firn"], &about()).unwrap();
        let read = read_class_map(&path, 3).unwrap();
        assert_eq!((read.rows, read.cols, &read.classes), (7, 301, &classes));
        assert!(is_class_map(&path, [7, 301]) && !is_class_map(&path, [301, 7]));
        assert_eq!(class_names(&path).unwrap(), ["rock", "ice", "snow & firn"]);
        let refused = read_class_map(&path, 2).unwrap_err().to_string();
        assert!(refused.contains("map.tif: holds 2 at row 0, column 2, and classes are the whole numbers from 0 to 1"), "{refused}");
        let refused = write_class_map(&path, [7, 301], &classes, &GeoTags::default(), &["rock", "ice"], &about());
        assert!(refused.unwrap_err().to_string().contains("row 0, column 2 is of class 2 of 2"));
        assert!(write_class_map(&path, [7, 300], &classes, &GeoTags::default(), &["a", "b", "c"], &about()).is_err());
    }

    #[test]
    fn another_reader_sees_bytes_with_a_palette() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.tif");
        write_class_map(&path, [2, 3], &[0, 1, 1, 255, 0, 1], &GeoTags::default(), &["rock", "ice"], &about()).unwrap();
        let mut decoder = tiff::decoder::Decoder::new(std::fs::File::open(&path).unwrap()).unwrap();
        let map = decoder.get_tag_u16_vec(tiff::tags::Tag::ColorMap).unwrap();
        let [red, green, blue] = class_colour(1, &["rock", "ice"]).map(|channel| u16::from(channel) * 257);
        assert_eq!((map.len(), map[1], map[257], map[513]), (768, red, green, blue));
        assert_eq!(decoder.get_tag_u16_vec(tiff::tags::Tag::PhotometricInterpretation).unwrap(), [3]);
        assert!(decoder.get_tag_ascii_string(tiff::tags::Tag::Unknown(42112)).unwrap().contains("0 rock; 1 ice; 255 no class"));
        assert_eq!(decoder.get_tag_ascii_string(tiff::tags::Tag::GdalNodata).unwrap(), "255");
    }

    #[test]
    fn halves_and_large_numbers_are_no_classes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.tif");
        for (value, accepted) in [(1.0, true), (f32::NAN, true), (255.0, true), (0.5, false), (-1.0, false), (2.0, false), (256.0, false)] {
            crate::data::writer::write_geotiff(&path, 1, 2, &[0.0, value], &GeoTags::default()).unwrap();
            assert_eq!(read_class_map(&path, 2).is_ok(), accepted, "{value}");
        }
    }
}
