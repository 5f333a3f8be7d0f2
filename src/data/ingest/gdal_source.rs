//! Sources that GDAL reads: the variable of a file, the files that its bands become, a grid of any format.

use std::collections::BTreeMap;
use std::path::Path;

use gdal::{Dataset, DriverManager, Metadata};

use super::bands::{self, Selection};
use super::grid::Grid;
use super::{PackOptions, stem};
use crate::data::gdal_library::{crs_of, name_of, open, reason};
use crate::data::geotiff::Layout;
use crate::data::mapped::map_file;
use crate::error::{Error, Result};

/// A variable of a file with several: its name, GDAL's name for it, and what GDAL says of it.
struct Variable {
    name: String,
    dataset: String,
    description: String,
}

/// Opens a source, or the wanted variable of it.
pub(super) fn open_variable(path: &Path, wanted: Option<&str>) -> Result<Dataset> {
    let dataset = open(name_of(path)?, path)?;
    let variables = variables(&dataset);
    let list = || variables.iter().map(|variable| variable.description.as_str()).collect::<Vec<_>>().join(", ");
    match (wanted, &variables[..]) {
        (Some(wanted), []) => match only_variable(&dataset) {
            Some(name) if name == wanted => Ok(dataset),
            Some(name) => Err(Error::input(path, format!("has no variable `{wanted}`; its only one is {name}"))),
            None => Err(Error::input(path, format!("has no variables, so no `{wanted}`; leave --variable away"))),
        },
        (None, []) => Ok(dataset),
        (None, [only]) => open(&only.dataset, path),
        (None, _) => Err(Error::input(path, format!("has several variables; choose one with --variable: {}", list()))),
        (Some(wanted), _) => match variables.iter().find(|variable| variable.name == wanted) {
            Some(variable) => open(&variable.dataset, path),
            None => Err(Error::input(path, format!("has no variable `{wanted}`; there are {}", list()))),
        },
    }
}

/// GDAL's list of subdatasets (`SUBDATASET_1_NAME=NETCDF:"file.nc":TT`, `SUBDATASET_1_DESC=[9x3x179x96] TT (32-bit floating-point)`).
fn variables(dataset: &Dataset) -> Vec<Variable> {
    let entries = dataset.metadata_domain("SUBDATASETS").unwrap_or_default();
    let value = |key: &str| entries.iter().find_map(|entry| entry.strip_prefix(key)?.strip_prefix('='));
    let variable = |index: usize| {
        let dataset = value(&format!("SUBDATASET_{index}_NAME"))?.to_owned();
        let name = dataset.rsplit([':', '/']).next().unwrap_or(&dataset).to_owned();
        // The sizes help to tell maps from axes.
        let sizes = value(&format!("SUBDATASET_{index}_DESC")).and_then(|text| text.split_whitespace().next()).unwrap_or_default();
        Some(Variable { description: format!("{name} {sizes}").trim_end().to_owned(), name, dataset })
    };
    (1..).map_while(variable).collect()
}

/// The name of the variable of a NetCDF file with a single one, which GDAL opens at once.
fn only_variable(dataset: &Dataset) -> Option<String> {
    dataset.rasterband(1).ok()?.metadata_item("NETCDF_VARNAME", "")
}

/// All metadata of the default domain.
pub(super) fn metadata(dataset: &Dataset) -> BTreeMap<String, String> {
    let entries = dataset.metadata_domain("").unwrap_or_default();
    entries.iter().filter_map(|entry| entry.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The files that a source becomes, each with the bands (from 1) whose mean it is; `dataset` is its opened variable.
pub(super) fn files(path: &Path, dataset: &Dataset, options: &PackOptions) -> Result<Vec<(String, Vec<usize>)>> {
    let selection =
        bands::select(&metadata(dataset), dataset.raster_count(), options.level).map_err(|message| Error::input(path, message))?;
    Ok(match selection {
        Selection::Days(days) => days.into_iter().map(|(day, bands)| (day.file_name(), bands)).collect(),
        Selection::Static(band) => {
            let variable = options.variable.as_ref().map(|name| format!("_{name}")).unwrap_or_default();
            vec![(format!("{}{variable}.tif", stem(path)), vec![band])]
        }
    })
}

/// The grid of a raster of any kind: GDAL writes its georeference into a GeoTIFF of one pixel, whose tags are taken.
pub(super) fn grid(path: &Path) -> Result<Grid> {
    let like = open(name_of(path)?, path)?;
    let unplaced = || Error::input(path, "has no georeference that others could be brought to; name a raster with one for --like");
    let (cols, rows) = like.raster_size();
    let (crs, transform) = (crs_of(&like).ok_or_else(unplaced)?, like.geo_transform().map_err(|_| unplaced())?);
    let failed = |e: std::io::Error| Error::input(path, format!("its georeference cannot be translated ({e})"));
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
    Ok(Grid { path: path.to_owned(), rows, cols, geo: layout?.geo })
}
