//! The grid that everything is brought onto: that of the raster named by `--like`.

use std::path::{Path, PathBuf};

use super::cube::{Cube, Placed};
use super::netcdf::{self, is_netcdf};
use super::system::System;
use crate::data::Window;
use crate::data::declared::declared_by;
use crate::data::geotags::{GeoTags, GeoTransform};
use crate::data::geotiff::{Layout, MAX_PIXELS};
use crate::data::ifd::Directory;
use crate::data::mapped::map_file;
use crate::error::{Error, Result};
use crate::files::fnv1a;

/// Size and georeference of the target.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// The raster that it was taken from.
    pub path: PathBuf,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// Tags for the outputs.
    pub geo: GeoTags,
    /// Row and column, in that raster, of its first pixel.
    #[cfg_attr(not(feature = "gdal"), allow(dead_code))]
    pub corner: (i64, i64),
}

impl Grid {
    /// Takes the grid of a raster: a GeoTIFF, a NetCDF variable on an even grid, or with GDAL any kind.
    pub fn open(path: &Path) -> Result<Grid> {
        let own = if is_netcdf(path) { Self::of_netcdf(path) } else { Self::of_geotiff(path) };
        #[cfg(feature = "gdal")]
        let own = own.or_else(|error| if path.exists() { super::gdal_source::grid(path) } else { Err(error) });
        own
    }

    fn of_geotiff(path: &Path) -> Result<Grid> {
        let bytes = map_file(path)?;
        let directory = Directory::read(&bytes).map_err(|message| Error::input(path, message))?;
        // Of several bands the first one says as much of the grid as any.
        let Layout { rows, cols, geo, .. } = declared_by(&directory, path, Some(0))?;
        Ok(Grid { path: path.to_owned(), rows, cols, geo, corner: (0, 0) })
    }

    fn of_netcdf(path: &Path) -> Result<Grid> {
        let unplaced = |why: &str| Error::input(path, format!("has no georeference that others could be brought to: {why}"));
        let cube = Cube::of_only(&netcdf::open(path)?, path)?.ok_or_else(|| unplaced("it has no variable along two axes"))?;
        let (transform, system) = upright(&cube).map_err(|why| unplaced(&why))?;
        let geo = GeoTags::of(&system.crs, transform).ok_or_else(|| unplaced("its coordinate system is not understood"))?;
        let (cols, rows) = cube.size();
        if rows.checked_mul(cols).is_none_or(|pixels| pixels as u64 > MAX_PIXELS) {
            return Err(Error::input(path, format!("has {rows} rows × {cols} columns; a scene has 1 to {MAX_PIXELS} pixels")));
        }
        Ok(Grid { path: path.to_owned(), rows, cols, geo, corner: (0, 0) })
    }

    /// A part of it.
    ///
    /// # Errors
    /// [`Error::Usage`] for a window without pixels, or one that leaves it.
    pub fn part(self, window: Window) -> Result<Grid> {
        let Window { row, col, height, width } = window;
        let fits = |start: usize, len: usize, size: usize| len > 0 && start.checked_add(len).is_some_and(|end| end <= size);
        if !fits(row, height, self.rows) || !fits(col, width, self.cols) {
            return Err(Error::Usage(format!(
                "--window {col},{row},{width},{height} (column, row, width, height) does not lie within the {} columns and {} rows of {}",
                self.cols,
                self.rows,
                self.path.display()
            )));
        }
        Ok(Grid { rows: height, cols: width, ..self.moved(row as i64, col as i64) })
    }

    /// With one more pixel on every side.
    pub fn grown(self) -> Grid {
        Grid { rows: self.rows + 2, cols: self.cols + 2, ..self.moved(-1, -1) }
    }

    /// With its first pixel elsewhere.
    fn moved(mut self, rows: i64, cols: i64) -> Grid {
        if let Some(transform) = self.geo.transform() {
            let (origin_x, origin_y) = transform.at(rows as f64, cols as f64);
            self.geo.set_transform(GeoTransform { origin_x, origin_y, ..transform });
        }
        Grid { corner: (self.corner.0 + rows, self.corner.1 + cols), ..self }
    }

    /// What tells it from other grids.
    pub fn words(&self) -> String {
        let bytes = self.geo.tags.iter().flat_map(|tag| tag.tag.to_le_bytes().into_iter().chain(tag.bytes.iter().copied()));
        format!("{} x {} pixels, georeference {:016x}", self.rows, self.cols, fnv1a(bytes))
    }
}

/// The place of a variable with its first row at the top and its first column on the left; an error is a clause.
pub(super) fn upright(cube: &Cube) -> std::result::Result<(GeoTransform, System), String> {
    let (mut transform, system) = match &cube.placed {
        Placed::Grid(transform, system) => (*transform, system.clone()),
        Placed::Unknown(why) => return Err(format!("it {why}")),
        Placed::Arrays => return Err("it is placed by arrays of longitude and latitude, not by even axes".into()),
    };
    let (cols, rows) = cube.size();
    if transform.row_y > 0.0 {
        (transform.origin_y, transform.row_y) = (transform.origin_y + transform.row_y * rows as f64, -transform.row_y);
    }
    if transform.col_x < 0.0 {
        (transform.origin_x, transform.col_x) = (transform.origin_x + transform.col_x * cols as f64, -transform.col_x);
    }
    Ok((transform, system))
}
