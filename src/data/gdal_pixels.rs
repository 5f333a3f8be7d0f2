//! Pixels through GDAL where the crate's own reader gives up: other codecs, streams that only libtiff follows.

use std::path::Path;

use gdal::{Dataset, DatasetOptions, GdalOpenFlags};

use super::gdal_library::{name_of, quiet};
use super::geotiff::{Layout, SampleType};
use super::no_data::NoData;

/// Samples read at once, at least a row of them.
const PIECE: usize = 1 << 20;

/// All pixels of a file of this layout, as [`decode`](super::decode::decode) gives them; `None` where GDAL cannot read it either.
pub(super) fn read(layout: &Layout, path: &Path, value: impl Fn(f64) -> f32) -> Option<Vec<f32>> {
    quiet();
    let drivers = ["GTiff"];
    let options =
        DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_RASTER, allowed_drivers: Some(&drivers), ..DatasetOptions::default() };
    let dataset = Dataset::open_ex(name_of(path).ok()?, options).ok()?;
    let (rows, cols) = (layout.rows, layout.cols);
    if dataset.raster_size() != (cols, rows) || dataset.raster_count() <= layout.band {
        return None;
    }
    let band = dataset.rasterband(layout.band + 1).ok()?;
    let is_no_data = |sample: f64| match (layout.no_data, layout.sample) {
        (None, _) => false,
        (Some(no_data), SampleType::Float(32)) => no_data.is_f32(sample as f32),
        (Some(no_data), SampleType::Float(_)) => no_data.is_f64(sample),
        (Some(no_data), _) => no_data == NoData::Integer(sample as i128),
    };
    let mut pixels = Vec::new();
    pixels.try_reserve_exact(rows * cols).ok()?;
    let height = (PIECE / cols).max(1);
    for row in (0..rows).step_by(height) {
        let size = (cols, height.min(rows - row));
        let samples = band.read_as::<f64>((0, row as isize), size, size, None).ok()?;
        pixels.extend(samples.data().iter().map(|&sample| if is_no_data(sample) { f32::NAN } else { value(sample) }));
    }
    Some(pixels)
}
