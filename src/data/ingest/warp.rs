//! Rasters brought onto the grid through GDAL's warper.
//!
//! Where the source pixel under a target's centre has no value, the target has none. Elsewhere GDAL's kernels leave out neighbours without
//! a value and share their weight between the others, at the outer edge of the source too: maps end where the source's pixels end.

use gdal::cpl::CslStringList;
use gdal::{Dataset, DriverManager, GeoTransformEx};

use super::gdal_source::frame;
use super::grid::Grid;
use super::{PackOptions, Resampling};
use crate::data::gdal_library::{last_words, reason};
use crate::data::linear::Linear;
use crate::error::{Error, Result};

/// Largest error of interpolated positions, in pixels of the source: of no account beside the pixels' own size.
const POSITION_ERROR: &str = "0.0005";

/// A map to be filled again and again.
pub(super) struct Warper {
    map: Dataset,
    resampling: Resampling,
    unit: Linear,
}

impl Warper {
    /// Makes room for a map on the grid.
    pub fn new(options: &PackOptions, grid: &Grid) -> Result<Warper> {
        Ok(Warper { map: empty_map(grid)?, resampling: options.resampling, unit: options.unit_after() })
    }

    /// A raster on the grid, in the wanted unit; an error is a message.
    pub fn map_of(&mut self, day: &Dataset) -> Result<Vec<f32>, String> {
        self.warp(day)?;
        let size = self.map.raster_size();
        let warped = self.map.rasterband(1).and_then(|band| band.read_as::<f64>((0, 0), size, size, None)).map_err(|e| reason(&e))?;
        Ok(warped.data().iter().map(|value| self.unit.apply(*value) as f32).collect())
    }

    fn warp(&mut self, day: &Dataset) -> Result<(), String> {
        let method = match self.resampling {
            Resampling::Nearest => "near",
            other => other.name(),
        };
        let words =
            ["-r", method, "-et", POSITION_ERROR, "-wt", "Float64", "-srcnodata", "nan", "-dstnodata", "nan", "-wo", "INIT_DEST=NO_DATA"];
        let arguments: CslStringList = words.into_iter().collect();
        // GDAL leaves the parts of a map that no source reaches as they are: zero, or what the last source left there.
        self.map.rasterband(1).and_then(|mut band| band.fill(f64::NAN, None)).map_err(|e| reason(&e))?;
        let mut misused = 0;
        // SAFETY: all handles live until the end of the call; the options are copied from the list and released once.
        let warped = unsafe {
            let options = gdal_sys::GDALWarpAppOptionsNew(arguments.as_ptr(), std::ptr::null_mut());
            if options.is_null() {
                return Err("its warper refuses these options".into());
            }
            let mut source = day.c_dataset();
            gdal_sys::CPLErrorReset();
            let warped = gdal_sys::GDALWarp(std::ptr::null(), self.map.c_dataset(), 1, &mut source, options, &mut misused);
            gdal_sys::GDALWarpAppOptionsFree(options);
            warped
        };
        if warped.is_null() {
            return Err(last_words());
        }
        Ok(())
    }
}

/// One band of float64 in memory, NaN meaning no value.
pub(super) fn memory(cols: usize, rows: usize) -> gdal::errors::Result<Dataset> {
    let dataset = DriverManager::get_driver_by_name("MEM")?.create_with_band_type::<f64, _>("", cols, rows, 1)?;
    dataset.rasterband(1)?.set_no_data_value(Some(f64::NAN))?;
    Ok(dataset)
}

/// The map to be filled, on the grid.
pub(super) fn empty_map(grid: &Grid) -> Result<Dataset> {
    let (_, mut transform, crs) = frame(&grid.path)?;
    if grid.corner != (0, 0) {
        (transform[0], transform[3]) = transform.apply(grid.corner.1 as f64, grid.corner.0 as f64);
    }
    let placed = memory(grid.cols, grid.rows).and_then(|mut map| {
        map.set_geo_transform(&transform)?;
        map.set_spatial_ref(&crs)?;
        Ok(map)
    });
    placed.map_err(|e| Error::input(&grid.path, format!("no map on its grid fits into memory ({})", reason(&e))).because(e))
}
