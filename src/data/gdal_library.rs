//! What all uses of GDAL share: silence on stderr, messages as text, rasters opened for reading.

use std::path::Path;
use std::sync::Once;

use gdal::errors::GdalError;
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};

use crate::error::{Error, Result};

/// Keeps GDAL from printing: what goes wrong is in the errors that its functions return.
pub(super) fn quiet() {
    static ONCE: Once = Once::new();
    // SAFETY: GDAL's own handler, which takes no data of ours; GDAL guards the setting with a lock.
    ONCE.call_once(|| unsafe {
        gdal_sys::CPLSetErrorHandler(Some(gdal_sys::CPLQuietErrorHandler));
    });
}

/// GDAL's words for an error, without the names of its functions and classes.
pub(super) fn reason(error: &GdalError) -> String {
    match error {
        GdalError::CplError { msg, .. } | GdalError::NullPointer { msg, .. } if !msg.is_empty() => msg.clone(),
        other => other.to_string(),
    }
}

/// Opens a raster by file name or by GDAL's name of a part of it; `path` is for messages.
///
/// # Errors
/// [`Error::Input`] where no driver of GDAL's reads it.
pub(super) fn open(name: &str, path: &Path) -> Result<Dataset> {
    quiet();
    let options = DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_RASTER, ..DatasetOptions::default() };
    Dataset::open_ex(name, options)
        .map_err(|e| Error::input(path, format!("GDAL cannot open it ({}); check it with `gdalinfo`", reason(&e))))
}

/// The coordinate system of a dataset, x before y; none where it has none.
pub(super) fn crs_of(dataset: &Dataset) -> Option<SpatialRef> {
    let mut crs = dataset.spatial_ref().ok()?;
    crs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Some(crs)
}

/// Text as GDAL takes a file's name.
///
/// # Errors
/// [`Error::Input`] where the path is no UTF-8.
pub(super) fn name_of(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::input(path, "its path is no UTF-8 text, which GDAL needs; rename it"))
}
