//! Sources that GDAL reads: the variable of a file, the files that its bands become, a grid of any format.

use std::collections::BTreeMap;
use std::path::Path;

use gdal::spatial_ref::SpatialRef;
use gdal::{Dataset, DriverManager, GeoTransform, Metadata};

use super::cube::Cube;
use super::gdal_arrays;
use super::gdal_rasters::{gdal_crs, six};
use super::grid::{Grid, upright};
use crate::data::gdal_library::{crs_of, name_of, open, reason};
use crate::data::geotiff::Layout;
use crate::data::mapped::map_file;
use crate::error::{Error, Result};

/// Opens a source for its bands; `name` is the variable of one with several.
pub(super) fn open_bands(path: &Path, name: Option<&str>) -> Result<Dataset> {
    let dataset = open(name_of(path)?, path)?;
    let entries = dataset.metadata_domain("SUBDATASETS").unwrap_or_default();
    let parts: Vec<Part> = (1..).map_while(|index| Part::of(&entries, index)).collect();
    let list = || parts.iter().map(|part| part.description.as_str()).collect::<Vec<_>>().join(", ");
    match (name, &parts[..]) {
        (None, []) => Ok(dataset),
        (None, [only]) => open(&only.dataset, path),
        (None, _) => Err(Error::input(path, format!("has several variables; choose one with --variable: {}", list()))),
        (Some(name), []) => match dataset.rasterband(1).ok().and_then(|band| band.metadata_item("NETCDF_VARNAME", "")) {
            Some(only) if name.rsplit('/').next() == Some(&only) => Ok(dataset),
            Some(only) => Err(Error::input(path, format!("has no variable `{name}`; its only one is {only}"))),
            None => Err(Error::input(path, format!("has no variables, so no `{name}`; leave --variable away"))),
        },
        (Some(name), _) => {
            let full = name.trim_start_matches('/');
            let found: Vec<&Part> = match parts.iter().find(|part| part.name == full) {
                Some(part) if name.contains('/') => vec![part],
                _ => parts.iter().filter(|part| part.name.rsplit('/').next() == Some(full)).collect(),
            };
            match found[..] {
                [part] => open(&part.dataset, path),
                [] => Err(Error::input(path, format!("has no variable `{name}`; there are {}", list()))),
                _ => Err(Error::input(path, format!("has the variable `{name}` in several groups; choose one of {}", list()))),
            }
        }
    }
}

/// A part of a file that GDAL calls a dataset of its own.
struct Part {
    /// With its groups, `GROUP/NAME`.
    name: String,
    /// GDAL's name for it.
    dataset: String,
    description: String,
}

impl Part {
    /// Of GDAL's list (`SUBDATASET_1_NAME=NETCDF:"file.nc":/group/TT`, `SUBDATASET_1_DESC=[9x3x179x96] TT (32-bit floating-point)`).
    fn of(entries: &[String], index: usize) -> Option<Part> {
        let value = |key: &str| entries.iter().find_map(|entry| entry.strip_prefix(key)?.strip_prefix('='));
        let dataset = value(&format!("SUBDATASET_{index}_NAME"))?.to_owned();
        let name = dataset.rsplit_once("\":").map_or_else(|| dataset.rsplit(':').next().unwrap_or(&dataset), |(_, name)| name);
        let name = name.trim_start_matches('/').to_owned();
        // The sizes help to tell maps from axes.
        let sizes = value(&format!("SUBDATASET_{index}_DESC")).and_then(|text| text.split_whitespace().next()).unwrap_or_default();
        Some(Part { description: format!("{name} {sizes}").trim_end().to_owned(), name, dataset })
    }
}

/// All metadata of the default domain.
pub(super) fn metadata(dataset: &Dataset) -> BTreeMap<String, String> {
    let entries = dataset.metadata_domain("").unwrap_or_default();
    entries.iter().filter_map(|entry| entry.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Columns, rows and place of a raster that others are brought to, the first row at the top.
pub(super) fn frame(path: &Path) -> Result<((usize, usize), GeoTransform, SpatialRef)> {
    let unplaced = |why: &str| {
        let why = if why.is_empty() { String::new() } else { format!(": it {why}") };
        Error::input(path, format!("has no georeference that others could be brought to; name a raster with one for --like{why}"))
    };
    let cube = match gdal_arrays::open(path)? {
        Some(root) => Cube::of_only(&root, path)?,
        None => None,
    };
    match cube {
        Some(cube) => match upright(&cube) {
            Ok((transform, system)) => Ok((cube.size(), six(&transform), gdal_crs(path, &system)?)),
            Err(why) => Err(unplaced(&why)),
        },
        None => {
            let like = open(name_of(path)?, path)?;
            let (crs, transform) = (crs_of(&like), like.geo_transform().ok());
            let (crs, transform) = crs.zip(transform).ok_or_else(|| unplaced(""))?;
            Ok((like.raster_size(), transform, crs))
        }
    }
}

/// The grid of a raster of any kind: GDAL writes its georeference into a GeoTIFF of one pixel, whose tags are taken.
pub(super) fn grid(path: &Path) -> Result<Grid> {
    let ((cols, rows), transform, crs) = frame(path)?;
    let failed = |e: std::io::Error| Error::input(path, format!("its georeference cannot be translated ({e})")).because(e);
    let folder = std::env::temp_dir();
    let file = folder.join(format!("meltcore-grid-{}.tif", std::process::id()));
    let write = || -> gdal::errors::Result<()> {
        let mut one = DriverManager::get_driver_by_name("GTiff")?.create_with_band_type::<f32, _>(&file, 1, 1, 1)?;
        one.set_geo_transform(&transform)?;
        one.set_spatial_ref(&crs)?;
        one.close()
    };
    let written = write().map_err(|e| failed(std::io::Error::other(reason(&e))));
    let layout = written.and_then(|()| map_file(&file)).and_then(|map| Layout::parse(&map, path));
    std::fs::remove_file(&file).map_err(failed)?;
    Ok(Grid { path: path.to_owned(), rows, cols, geo: layout?.geo, corner: (0, 0) })
}
