//! What all uses of GDAL share: silence on stderr, messages as text, rasters opened for reading.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use gdal::errors::GdalError;
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags, config};

use super::file_head;
use super::geotags::GeoTags;
use super::writer::geotiff_bytes;
use crate::error::{Error, Result};
use crate::files::replace_atomically;

/// Has `make` write a file of vectors, which appears whole or not at all.
///
/// # Errors
/// [`Error::Output`] where GDAL or the system cannot write it.
pub(super) fn write_vectors(path: &Path, make: impl FnOnce(&Path) -> gdal::errors::Result<()>) -> Result<()> {
    let failed =
        |text: &str| Error::output(path, format!("GDAL cannot write it ({text}); check the free space and the permissions of its folder"));
    replace_atomically(path, |temporary| {
        quiet();
        // GeoPackages say when they were changed; the same vectors shall make the same bytes.
        let date = config::set_thread_local_config_option("OGR_CURRENT_DATE", "1970-01-01T00:00:00.000Z");
        let made = date.and_then(|()| make(temporary));
        config::clear_thread_local_config_option("OGR_CURRENT_DATE").ok();
        made.map_err(|e| failed(&reason(&e)))?;
        let synced = File::options().append(true).open(temporary).and_then(|file| file.sync_all());
        synced.map_err(|e| failed(&e.to_string()))
    })
}

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
    let silent = || "GDAL does not say why".to_owned();
    match error {
        GdalError::CplError { msg, .. } | GdalError::NullPointer { msg, .. } => {
            if msg.is_empty() {
                silent()
            } else {
                msg.clone()
            }
        }
        GdalError::OgrError { .. } => last_said().unwrap_or_else(silent),
        other => other.to_string(),
    }
}

/// The last message of this thread's calls.
pub(super) fn last_words() -> String {
    last_said().unwrap_or_else(|| "without saying why".into())
}

fn last_said() -> Option<String> {
    // SAFETY: GDAL returns a text that it owns and that this thread's next call may change; it is copied at once.
    let words = unsafe { CStr::from_ptr(gdal_sys::CPLGetLastErrorMsg()) }.to_string_lossy().into_owned();
    (!words.is_empty()).then_some(words)
}

/// Opens a raster by file name or by GDAL's name of a part of it; `path` is for messages.
///
/// # Errors
/// [`Error::Input`] where no driver of GDAL's reads it, with what the file begins with.
pub(super) fn open(name: &str, path: &Path) -> Result<Dataset> {
    quiet();
    let options = DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_RASTER, ..DatasetOptions::default() };
    Dataset::open_ex(name, options).map_err(|e| {
        let words = match &e {
            GdalError::CplError { msg, .. } | GdalError::NullPointer { msg, .. } if !msg.is_empty() => msg.clone(),
            _ => format!("none of its {} drivers knows the file", DriverManager::count()),
        };
        Error::input(path, format!("GDAL cannot open it ({words}): {}", file_head::words(path)))
    })
}

/// Opens a file or folder of variables with named axes (NetCDF, Zarr); none where it is of another kind.
///
/// # Errors
/// [`Error::Input`] where the path is no UTF-8.
pub(super) fn open_arrays(path: &Path) -> Result<Option<Dataset>> {
    quiet();
    let name = name_of(path)?;
    // GDAL's driver reads files of the kind CDF-5 but does not recognise them, and leaves HDF5 under some names to a driver that knows
    // neither signed bytes nor axes.
    let mut magic = [0; 4];
    let is_netcdf =
        File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok_and(|()| matches!(&magic, b"CDF\x05" | b"\x89HDF"));
    let name = if is_netcdf { format!("NETCDF:\"{name}\"") } else { name.to_owned() };
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_MULTIDIM_RASTER,
        allowed_drivers: Some(&["netCDF", "Zarr"]),
        ..DatasetOptions::default()
    };
    Ok(Dataset::open_ex(name, options).ok())
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

/// The coordinate system that a GeoTIFF's tags mean to GDAL, x before y; none where they name none.
pub(super) fn crs_of_tags(geo: &GeoTags) -> Option<SpatialRef> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    quiet();
    // A file of one pixel in memory, which only GDAL sees.
    let name = format!("/vsimem/meltcore-crs-{}.tif", COUNTER.fetch_add(1, Ordering::Relaxed));
    gdal::vsi::create_mem_file(&name, geotiff_bytes([1, 1], &[0.0], geo).ok()?).ok()?;
    let crs = Dataset::open(&name).ok().and_then(|dataset| crs_of(&dataset));
    gdal::vsi::unlink_mem_file(&name).ok();
    crs
}
