//! GeoTIFFs that lie on the target grid already: decoded, unscaled, converted to float32.

use std::path::Path;

use super::grid::Grid;
use crate::data::decode::decode;
use crate::data::geotiff::Layout;
use crate::data::linear::Linear;
use crate::data::mapped::map_file;
use crate::error::{Error, Result};

/// Pixels may lie apart by so much of their size.
const TOLERANCE: f64 = 0.01;

/// Refuses a file that is no GeoTIFF of one band on the grid.
pub(super) fn check(path: &Path, grid: &Grid) -> Result<()> {
    let layout = Layout::parse(&map_file(path)?, path)?;
    let like = grid.path.display();
    if (layout.rows, layout.cols) != (grid.rows, grid.cols) {
        let (rows, cols) = (layout.rows, layout.cols);
        return Err(Error::input(path, format!("has {rows} rows × {cols} columns where {like} has {} × {}", grid.rows, grid.cols)));
    }
    if let Some(apart) = layout.geo.misalignment(&grid.geo, grid.rows, grid.cols).filter(|apart| *apart > TOLERANCE) {
        return Err(Error::input(path, format!("lies up to {apart:.2} pixels away from {like}")));
    }
    // Where tags spell the system out in different words, only GDAL can compare them; without it the equal transform must do.
    if !layout.geo.same_crs(&grid.geo).unwrap_or(cfg!(not(feature = "gdal"))) {
        return Err(Error::input(path, format!("has another coordinate system than {like}")));
    }
    Ok(())
}

/// The error of a build without GDAL: `reason`, and what helps.
#[cfg(not(feature = "gdal"))]
pub(super) fn needs_gdal(reason: Error) -> Error {
    let cure = format!(
        "this build of pack converts GeoTIFFs that lie on the grid already; NetCDF, other formats, variables, levels and warping take GDAL: {}",
        crate::data::GET_GDAL
    );
    match reason {
        Error::Input { path, message } => Error::input(path, format!("{message}; {cure}")),
        other => Error::Usage(format!("{other}; {cure}")),
    }
}

/// All pixels in float32 after the file's own scale and offset and `unit`, with NaN for no-data.
pub(super) fn read(path: &Path, unit: Linear) -> Result<Vec<f32>> {
    let map = map_file(path)?;
    let layout = Layout::parse(&map, path)?;
    let change = layout.unscale.then(unit);
    decode(&map, &layout, path, |sample| change.apply(sample) as f32)
}
