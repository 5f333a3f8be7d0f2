//! What a raster says of itself in words: how many bands it has, and each one's title and unit.

use std::path::Path;

use super::gdal_metadata::words;
use super::ifd::Directory;
use super::mapped::map_file;
use super::pam;
use super::tags;
use crate::error::{Error, Result};

/// A band in words; empty where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// What it shows.
    pub title: String,
    /// Its unit.
    pub unit: String,
}

/// The bands of a GeoTIFF in words, by its own tags or the notes beside it.
///
/// # Errors
/// [`Error::Input`] where the file cannot be read or is no TIFF.
pub fn bands_of(path: &Path) -> Result<Vec<Words>> {
    let map = map_file(path)?;
    let unusable = |message: String| Error::input(path, message);
    let directory = Directory::read(&map).map_err(unusable)?;
    let count = directory.one(tags::SAMPLES_PER_PIXEL).map_err(unusable)?.unwrap_or(1);
    let metadata = directory.entry(tags::GDAL_METADATA).map(|entry| entry.value).unwrap_or_default();
    let own = |band: usize| {
        let (own, beside) = (words(metadata, band), pam::words_beside(path, band));
        Words { title: either(own.title, beside.title), unit: either(own.unit, beside.unit) }
    };
    Ok((0..count.min(1 << 16) as usize).map(own).collect())
}

fn either(one: String, other: String) -> String {
    if one.is_empty() { other } else { one }
}
