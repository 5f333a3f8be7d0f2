//! Cloud-optimized GeoTIFFs: tiled, deflated, with overviews, readable in parts over a network.

use std::path::Path;

use gdal::DriverManager;
use gdal::raster::RasterCreationOptions;

use crate::data::gdal_library::{name_of, open, reason};
use crate::error::{Error, Result};
use crate::files::replace_atomically;

/// Copies a map as a cloud-optimized GeoTIFF with the same pixels; it appears whole or not at all.
///
/// # Errors
/// [`Error::Input`] where GDAL cannot read `from`, [`Error::Output`] where `to` cannot be written.
pub fn write_cog(from: &Path, to: &Path) -> Result<()> {
    let map = open(name_of(from)?, from)?;
    replace_atomically(to, |temporary| {
        let options = ["COMPRESS=DEFLATE", "PREDICTOR=YES", "OVERVIEW_RESAMPLING=AVERAGE", "BIGTIFF=IF_SAFER"];
        let options: RasterCreationOptions = options.into_iter().collect();
        let failed = |text: &str| {
            Error::output(to, format!("GDAL cannot write it ({text}); check the free space and the permissions of its folder"))
        };
        let copy = DriverManager::get_driver_by_name("COG").and_then(|driver| map.create_copy(&driver, temporary, &options));
        copy.and_then(|copy| copy.close()).map_err(|e| failed(&reason(&e)))?;
        let synced = std::fs::File::options().append(true).open(temporary).and_then(|file| file.sync_all());
        synced.map_err(|e| failed(&e.to_string()))
    })
}
