//! Everything on the host between files and batches.

mod beside;
mod damaged;
mod dialects;
mod formats;
mod samples;
mod windows;
mod writing;

use std::path::PathBuf;

use meltcore::data::geotags::{GeoTag, GeoTags};

/// A file of `tests/data/tiff`.
fn tiff(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiff").join(name)
}

fn doubles(tag: u16, values: &[f64]) -> GeoTag {
    GeoTag { tag, kind: 12, count: values.len() as u64, bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect() }
}

/// A 100 m grid, north up, whose first pixel's corner is at (x, y); PixelIsArea or PixelIsPoint.
fn grid(x: f64, y: f64, raster_type: u16) -> GeoTags {
    let keys: [u16; 12] = [1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, raster_type];
    let keys = GeoTag { tag: 34735, kind: 3, count: 12, bytes: keys.iter().flat_map(|v| v.to_le_bytes()).collect() };
    GeoTags { tags: vec![doubles(33550, &[100.0, 100.0, 0.0]), doubles(33922, &[0.0, 0.0, 0.0, x, y, 0.0]), keys] }
}
