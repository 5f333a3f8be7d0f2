//! Maps for other programs, through GDAL: a folder of days as one time stack (NetCDF or Zarr), cloud-optimized copies of single maps.
//!
//! A stack follows the CF conventions 1.8: `variable(time, y, x)` in float32 with `_FillValue` NaN, `time` in days since 1970-01-01,
//! coordinates of pixel centres, and a grid mapping with the coordinate system in words (`crs_wkt`) and parameters.
//! Days are written one after the other: memory does not grow with their number.
//!
//! Without the cargo feature `gdal` the functions are there and say what is missing; [`check_available`] says it before the work begins.

#[cfg(feature = "gdal")]
mod cog;
#[cfg(feature = "gdal")]
mod series;
#[cfg(feature = "gdal")]
mod store;

#[cfg(feature = "gdal")]
pub use cog::write_cog;
#[cfg(feature = "gdal")]
pub use series::{write_netcdf, write_zarr};
#[cfg(not(feature = "gdal"))]
pub use without_gdal::{write_cog, write_netcdf, write_zarr};

use crate::error::Result;

/// What a stack says about itself.
#[derive(Debug, Clone)]
pub struct StackMeta {
    /// Name of the variable.
    pub variable: String,
    /// What it is, for people.
    pub long_name: String,
    /// Unit; `1` for fractions.
    pub units: String,
    /// Title of the file.
    pub title: String,
    /// Where the values come from (model, weights).
    pub source: String,
    /// Further attributes of the file: names and texts.
    pub attributes: Vec<(String, String)>,
}

/// Whether this build can write stacks and cloud-optimized copies.
///
/// # Errors
/// [`Error::Usage`](crate::error::Error::Usage) where it was built without GDAL.
pub fn check_available() -> Result<()> {
    #[cfg(not(feature = "gdal"))]
    return Err(without_gdal::missing());
    #[cfg(feature = "gdal")]
    Ok(())
}

#[cfg(not(feature = "gdal"))]
mod without_gdal {
    use super::StackMeta;
    use crate::data::GET_GDAL;
    use crate::data::day::Day;
    use crate::error::{Error, Result};
    use std::path::{Path, PathBuf};

    pub(super) fn missing() -> Error {
        Error::Usage(format!("NetCDF and Zarr stacks and cloud-optimized GeoTIFFs take GDAL, which this build lacks: {GET_GDAL}"))
    }

    /// Fails: this build lacks GDAL.
    ///
    /// # Errors
    /// Always [`Error::Usage`].
    pub fn write_netcdf(_files: &[(Day, PathBuf)], _out: &Path, _meta: &StackMeta) -> Result<()> {
        Err(missing())
    }

    /// Fails: this build lacks GDAL.
    ///
    /// # Errors
    /// Always [`Error::Usage`].
    pub fn write_zarr(_files: &[(Day, PathBuf)], _out: &Path, _meta: &StackMeta) -> Result<()> {
        Err(missing())
    }

    /// Fails: this build lacks GDAL.
    ///
    /// # Errors
    /// Always [`Error::Usage`].
    pub fn write_cog(_from: &Path, _to: &Path) -> Result<()> {
        Err(missing())
    }
}
