//! GeoTIFFs that lie on the target grid already: decoded, unscaled, converted to float32.

use std::path::Path;

use super::PackOptions;
use super::grid::Grid;
use crate::data::declared::declared;
#[cfg(not(feature = "gdal"))]
use crate::data::file_head::fault_of;
#[cfg(feature = "gdal")]
use crate::data::geotiff::refuse_for_all;
use crate::data::mapped::map_file;
use crate::data::mask::decode_masked;
use crate::data::notices::tell_once_a_folder;
#[cfg(not(feature = "gdal"))]
use crate::error::Error;
use crate::error::Result;

/// Pixels may lie apart by so much of their size.
const TOLERANCE: f64 = 0.01;

/// Whether a file is a GeoTIFF of one band on the grid.
pub(super) fn is_on(path: &Path, grid: &Grid) -> bool {
    let Ok(layout) = map_file(path).and_then(|map| declared(&map, path)) else { return false };
    let near = layout.geo.misalignment(&grid.geo, grid.rows, grid.cols).is_none_or(|apart| apart <= TOLERANCE);
    if layout.readable().is_err() || (layout.rows, layout.cols) != (grid.rows, grid.cols) || !near {
        return false;
    }
    let like = grid.path.display();
    if layout.geo.transform().is_none() {
        tell_once_a_folder(path, "no georeference", || format!("has no georeference; it is taken to lie on the grid of {like}"));
    }
    // Systems that are not understood here only GDAL can compare; without it the equal transform must do.
    let same = layout.geo.same_crs(&grid.geo);
    if same.is_none() && cfg!(not(feature = "gdal")) {
        let text = || format!("names its coordinate system in a way that cannot be compared with that of {like}; it is taken for the same");
        tell_once_a_folder(path, "coordinate system", text);
    }
    same.unwrap_or(cfg!(not(feature = "gdal")))
}

/// Refuses what GDAL shall not try; what is no readable file GDAL names itself.
#[cfg(feature = "gdal")]
pub(super) fn refuse_for_gdal(path: &Path) -> Result<()> {
    map_file(path).map_or(Ok(()), |map| refuse_for_all(&map, path))
}

/// The error of a build without GDAL: `reason`, and what helps.
#[cfg(not(feature = "gdal"))]
pub(super) fn needs_gdal(reason: Error) -> Error {
    let cure = format!(
        "this build reads GeoTIFF and NetCDF on even grids of the usual projections; other formats, codecs and projections take GDAL: {}",
        crate::data::GET_GDAL
    );
    match reason.plain() {
        // No reader makes anything of such a file.
        Error::Input { path, .. } if let Some(fault) = fault_of(&path) => Error::input(path, format!("cannot be read: {fault}")),
        Error::Input { path, message } if message.ends_with("again") => Error::input(path, message),
        Error::Input { path, message } => Error::input(path, format!("{message}; {cure}")),
        other => other,
    }
}

/// All pixels in float32 after the file's own scale and offset in the wanted unit, with NaN for no-data.
pub(super) fn read(path: &Path, options: &PackOptions) -> Result<Vec<f32>> {
    let map = map_file(path)?;
    let layout = declared(&map, path)?;
    let value = options.of_samples(layout.unscale);
    decode_masked(&map, &layout, path, |sample| value(sample) as f32)
}
