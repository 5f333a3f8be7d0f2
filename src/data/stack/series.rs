//! A time stack in one pass over its days.

use std::path::{Path, PathBuf};

use gdal::Dataset;
use gdal::spatial_ref::SpatialRef;

use super::StackMeta;
use super::store::{Array, Dimension, FLOAT32, FLOAT64, Store};
use crate::data::day::Day;
use crate::data::gdal_library::{crs_of, name_of, open};
use crate::data::geotags::GeoTransform;
use crate::data::inventory::refuse_other_grid;
use crate::data::raster::Raster;
use crate::error::{Error, Result};
use crate::files::replace_atomically;

/// Sides of a chunk in pixels; a chunk holds one day.
const CHUNK: usize = 256;

/// Writes the maps of some days as one NetCDF file, deflated.
///
/// # Errors
/// [`Error::Input`] for a map that cannot be read, lies on another grid than the first or has no place that x and y axes describe;
/// [`Error::Usage`] for no days or a repeated one; [`Error::Output`] where the file cannot be written.
pub fn write_netcdf(files: &[(Day, PathBuf)], out: &Path, meta: &StackMeta) -> Result<()> {
    let scene = Grid::of(files)?;
    replace_atomically(out, |temporary| {
        let store = Store::create("netCDF", name_of(temporary)?, out)?;
        scene.write(&store, files, meta, &[("COMPRESS", "DEFLATE"), ("ZLEVEL", "4")])?;
        store.close()?;
        let synced = std::fs::File::options().append(true).open(temporary).and_then(|file| file.sync_all());
        synced.map_err(|e| {
            Error::output(out, format!("cannot be written ({e}); check the free space and the permissions of its folder")).because(e)
        })
    })
}

/// Writes the maps of some days as one Zarr store (version 2, zlib), a folder that must not exist yet.
///
/// # Errors
/// As [`write_netcdf`]; [`Error::Output`] where `out` exists.
pub fn write_zarr(files: &[(Day, PathBuf)], out: &Path, meta: &StackMeta) -> Result<()> {
    if out.exists() {
        return Err(Error::output(out, "exists already; remove it, or choose another name for the Zarr store"));
    }
    let scene = Grid::of(files)?;
    replace_atomically(out, |temporary| {
        let store = Store::create("Zarr", name_of(temporary)?, out)?;
        scene.write(&store, files, meta, &[("COMPRESS", "ZLIB")])?;
        store.close()
    })
}

/// The grid that all maps of a stack share.
struct Grid {
    first: Raster,
    transform: GeoTransform,
    crs: SpatialRef,
}

impl Grid {
    fn of(files: &[(Day, PathBuf)]) -> Result<Grid> {
        let Some((_, path)) = files.first() else {
            return Err(Error::Usage("no maps to make a time stack of; predict some days first".into()));
        };
        if let Some(pair) = files.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return Err(Error::Usage(format!("the days of a time stack must follow each other; {} comes before {}", pair[0].0, pair[1].0)));
        }
        let first = Raster::open(path)?;
        let like: Dataset = open(name_of(path)?, path)?;
        let unplaced = || Error::input(path, "has no georeference with x and y axes, which a time stack needs");
        let transform = first.geo().transform().filter(|t| t.row_x == 0.0 && t.col_y == 0.0).ok_or_else(unplaced)?;
        let crs = crs_of(&like).ok_or_else(unplaced)?;
        Ok(Grid { first, transform, crs })
    }

    fn write(&self, store: &Store, files: &[(Day, PathBuf)], meta: &StackMeta, compression: &[(&str, &str)]) -> Result<()> {
        store.attribute("Conventions", "CF-1.8")?;
        store.attribute("title", &meta.title)?;
        store.attribute("source", &meta.source)?;
        meta.attributes.iter().try_for_each(|(name, text)| store.attribute(name, text))?;
        let (rows, cols) = (self.first.rows(), self.first.cols());

        let time = store.dimension("time", "TEMPORAL", files.len())?;
        let days: Vec<f64> = files.iter().map(|(day, _)| day.number() as f64).collect();
        let texts = [("standard_name", "time"), ("long_name", "day"), ("calendar", "standard"), ("axis", "T")];
        coordinate(store, &time, &days, "days since 1970-01-01 00:00:00", &texts)?;
        let (y, x) = self.axes(store)?;

        let chunk = format!("1,{},{}", rows.min(CHUNK), cols.min(CHUNK));
        let options = [&[("BLOCKSIZE", chunk.as_str())], compression].concat();
        let array = store.array(&meta.variable, &[&time, &y, &x], FLOAT32, &options)?;
        array.no_data(f64::NAN)?;
        array.crs(&self.crs)?;
        array.attribute("long_name", &meta.long_name)?;
        array.unit(&meta.units)?;
        for (index, (_, path)) in files.iter().enumerate() {
            let raster = Raster::open(path)?;
            refuse_other_grid(&self.first, &raster)?;
            array.write(&[index, 0, 0], &[1, rows, cols], &raster.read_all()?)?;
        }
        Ok(())
    }

    /// Dimensions y and x with the coordinates of pixel centres.
    fn axes(&self, store: &Store) -> Result<(Dimension, Dimension)> {
        let (rows, cols) = (self.first.rows(), self.first.cols());
        let y: Vec<f64> = (0..rows).map(|row| self.transform.pixel_centre(row, 0).1).collect();
        let x: Vec<f64> = (0..cols).map(|col| self.transform.pixel_centre(0, col).0).collect();
        let geographic = self.crs.is_geographic();
        let names = if geographic { ["lat", "lon"] } else { ["y", "x"] };
        let dimensions = (store.dimension(names[0], "HORIZONTAL_Y", rows)?, store.dimension(names[1], "HORIZONTAL_X", cols)?);
        let (units, standard) = if geographic {
            (["degrees_north", "degrees_east"].map(str::to_owned), ["latitude", "longitude"])
        } else {
            let unit = if self.crs.linear_units() == 1.0 { "m".to_owned() } else { format!("{} m", self.crs.linear_units()) };
            ([unit.clone(), unit], ["projection_y_coordinate", "projection_x_coordinate"])
        };
        coordinate(store, &dimensions.0, &y, &units[0], &[("standard_name", standard[0]), ("axis", "Y")])?;
        coordinate(store, &dimensions.1, &x, &units[1], &[("standard_name", standard[1]), ("axis", "X")])?;
        Ok(dimensions)
    }
}

/// The coordinate variable of a dimension.
fn coordinate(store: &Store, dimension: &Dimension, values: &[f64], unit: &str, attributes: &[(&str, &str)]) -> Result<()> {
    let array: Array = store.array(dimension.name(), &[dimension], FLOAT64, &[])?;
    for (key, value) in attributes {
        array.attribute(key, value)?;
    }
    array.unit(unit)?;
    array.write(&[0], &[values.len()], values)?;
    array.index(dimension);
    Ok(())
}
