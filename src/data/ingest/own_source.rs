//! A source that the crate reads by itself, without GDAL: a GeoTIFF or a NetCDF variable on an even grid, with a place on the map.
//!
//! What it does not read is told apart from what is wrong: GDAL may try the one where it is built in, not the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::classic_netcdf::refuse_truncated;
use super::cube::{Cube, Placed};
use super::grid::Grid;
use super::netcdf;
use super::positions::Positions;
use super::resample::Day;
use super::source_window::Part;
use super::steps::{Axis, BANDS, files};
use super::system::System;
use super::{PackOptions, Resampling};
use crate::data::crs::Crs;
use crate::data::declared::declared_by;
use crate::data::file_head::stranger;
use crate::data::geotags::GeoTransform;
use crate::data::geotiff::Layout;
use crate::data::ifd::Directory;
use crate::data::mapped::map_file;
use crate::data::mask::decode_masked;
use crate::data::notices::tell_once_a_folder;
use crate::data::tags::SAMPLES_PER_PIXEL;
use crate::error::{Error, Result};

/// What became of a source.
pub(super) enum Found {
    /// It is opened.
    Source(Box<OwnSource>),
    /// It takes another reader; what a build that has none says.
    Beyond(#[cfg_attr(feature = "gdal", allow(dead_code))] Error),
}

/// What the pixels are read from.
enum Reader {
    Cube(Box<Cube>),
    /// The bands of a GeoTIFF.
    Bands,
}

/// An opened source.
pub(super) struct OwnSource {
    path: PathBuf,
    reader: Reader,
    /// What its steps are taken apart along.
    axes: Vec<Axis>,
    part: Part,
    positions: Option<Positions>,
}

impl OwnSource {
    /// Opens a source and works out where it lies.
    ///
    /// # Errors
    /// [`Error::Input`] for what is wrong with a file that is read here, [`Error::Usage`] for a coordinate system that is none.
    pub fn open(path: &Path, options: &PackOptions, grid: &Grid) -> Result<Found> {
        let given = System::given(options)?;
        if netcdf::is_netcdf(path) {
            refuse_truncated(path)?;
            return match netcdf::open(path) {
                Ok(root) => match Cube::of(&root, path, options.variable.as_deref(), given.as_ref())? {
                    Some(cube) => Self::of_cube(path, cube, options, grid),
                    None => Ok(Found::Beyond(Error::input(path, "has no variable of numbers along two axes or more"))),
                },
                Err(error) => Ok(Found::Beyond(error)),
            };
        }
        if path.is_dir() {
            return Ok(Found::Beyond(Error::input(path, "is a folder without a GeoTIFF or NetCDF file in it")));
        }
        if let Some(clause) = stranger(path) {
            return Ok(Found::Beyond(Error::input(path, format!("cannot be read: {clause}"))));
        }
        let bytes = match map_file(path) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Found::Beyond(error)),
        };
        match Directory::read(&bytes) {
            Ok(directory) => Self::of_bands(path, &directory, options, given, grid),
            Err(message) => Ok(Found::Beyond(Error::input(path, message))),
        }
    }

    fn of_cube(path: &Path, cube: Cube, options: &PackOptions, grid: &Grid) -> Result<Found> {
        let (transform, system) = match &cube.placed {
            Placed::Grid(transform, system) => (*transform, system.crs.clone()),
            Placed::Unknown(lack) => return Ok(Found::Beyond(Error::input(path, lack.clone()))),
            Placed::Arrays => {
                let message = "is placed by arrays of longitude and latitude, not by even axes; give --source-crs where its axes are even";
                return Ok(Found::Beyond(Error::input(path, message)));
            }
        };
        let (axes, size) = (cube.axes(), cube.size());
        Self::placed(path, Reader::Cube(Box::new(cube)), axes, (transform, Some(system)), size, options, grid)
    }

    fn of_bands(path: &Path, directory: &Directory, options: &PackOptions, given: Option<System>, grid: &Grid) -> Result<Found> {
        if let Some(name) = &options.variable {
            return Err(Error::input(path, format!("has no variables, so no `{name}`; leave --variable away")));
        }
        // What is declared of one band is declared of all but for their words; a wrong level is refused with their number.
        let layout = match declared_by(directory, path, Some(0)) {
            Ok(layout) => layout,
            Err(error) => return Ok(Found::Beyond(error)),
        };
        if let Err(message) = layout.readable() {
            return Ok(Found::Beyond(Error::input(path, message)));
        }
        let count = directory.one(SAMPLES_PER_PIXEL).map_err(|message| Error::input(path, message))?.unwrap_or(1);
        let bands = Axis { name: BANDS.into(), size: usize::try_from(count).unwrap_or(usize::MAX), ..Axis::default() };
        let place = place(path, &layout, given, grid)?;
        Self::placed(path, Reader::Bands, vec![bands], place, (layout.cols, layout.rows), options, grid)
    }

    fn placed(
        path: &Path,
        reader: Reader,
        axes: Vec<Axis>,
        (transform, crs): (GeoTransform, Option<Crs>),
        size: (usize, usize),
        options: &PackOptions,
        grid: &Grid,
    ) -> Result<Found> {
        let unplaced =
            |path: &Path| Error::input(path, "has no georeference that others could be brought to; name a raster with one for --like");
        let map = grid.geo.transform().ok_or_else(|| unplaced(&grid.path))?;
        if !transform.is_usable() {
            return Err(Error::input(path, "has pixels without an area; check its axes and its georeference"));
        }
        let corners = options.resampling == Resampling::Average;
        let positions = match Positions::new(grid, map, transform, crs.as_ref(), size.0, corners) {
            Ok(positions) => positions,
            Err(clause) => {
                let message = format!("cannot be brought onto the grid of {}: there is {clause}", grid.path.display());
                return Ok(Found::Beyond(Error::input(path, message)));
            }
        };
        let part = match reader {
            Reader::Cube(_) => positions.part(size).map_err(|message| Error::input(path, message))?,
            Reader::Bands => Part { col: 0, row: 0, cols: size.0, rows: size.1 },
        };
        Ok(Found::Source(Box::new(OwnSource { path: path.to_owned(), reader, axes, part, positions: Some(positions) })))
    }

    /// The files that it becomes, each with whether no time axis says its day, and the steps whose mean it is.
    pub fn files(&self, options: &PackOptions) -> Result<Vec<(String, bool, Vec<usize>)>> {
        files(&self.path, &self.axes, options)
    }

    /// The bands of a GeoTIFF.
    pub fn bands(&self) -> Option<usize> {
        matches!(self.reader, Reader::Bands).then(|| self.axes.first().map_or(1, |axis| axis.size))
    }

    /// Whether this is the source that it has opened.
    pub fn reads(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Where the map's pixels lie in it, handed over once; `last` where that is the same.
    pub fn take_positions(&mut self, last: Option<Arc<Positions>>) -> Option<Arc<Positions>> {
        let own = self.positions.take()?;
        Some(last.filter(|last| last.is_same(&own)).unwrap_or_else(|| Arc::new(own.kept())))
    }

    /// The mean of some steps (from 1) in the wanted unit.
    pub fn day(&self, steps: &[usize], options: &PackOptions) -> Result<Day> {
        let failed = |step: usize, message: String| {
            let cure = "it is damaged or incomplete: copy or download it again";
            Error::input(&self.path, format!("step {step} cannot be read ({message}); {cure}"))
        };
        let pixels = match &self.reader {
            Reader::Bands => self.band(steps.first().map_or(0, |step| step - 1), options)?,
            Reader::Cube(cube) => {
                let unit = options.unit_after();
                let in_unit = |values: Vec<f64>| values.into_iter().map(|value| unit.apply(value) as f32).collect();
                let read = |step: usize| cube.read(step, self.part).map_err(|message| failed(step, message));
                let mut read = |step: usize| Ok(options.before(read(step)?));
                in_unit(if let [step] = steps { read(*step)? } else { mean(steps, &mut read)? })
            }
        };
        Ok(Day { pixels, part: self.part })
    }

    /// All pixels of a band (from 0) of a GeoTIFF.
    fn band(&self, band: usize, options: &PackOptions) -> Result<Vec<f32>> {
        let bytes = map_file(&self.path)?;
        let directory = Directory::read(&bytes).map_err(|message| Error::input(&self.path, message))?;
        let layout = declared_by(&directory, &self.path, Some(band))?;
        let value = options.of_samples(layout.unscale);
        let pixels = decode_masked(&bytes, &layout, &self.path, |sample| value(sample) as f32)?;
        if pixels.len() == self.part.cols * self.part.rows {
            Ok(pixels)
        } else {
            Err(Error::input(&self.path, "changed while it was read; start again when nothing writes to it"))
        }
    }
}

/// The mean of the steps that have a value, pixel by pixel.
pub(super) fn mean(steps: &[usize], read: &mut dyn FnMut(usize) -> Result<Vec<f64>>) -> Result<Vec<f64>> {
    let (mut sums, mut counts) = (Vec::new(), Vec::new());
    for &step in steps {
        let values = read(step)?;
        sums.resize(values.len(), 0.0);
        counts.resize(values.len(), 0u32);
        for ((sum, count), value) in sums.iter_mut().zip(&mut counts).zip(values) {
            if !value.is_nan() {
                *sum += value;
                *count += 1;
            }
        }
    }
    // Without any value 0/0, which is NaN.
    Ok(sums.iter().zip(&counts).map(|(sum, count)| sum / f64::from(*count)).collect())
}

/// Where a GeoTIFF lies; a system of none means that of the grid. One without a place, or without a system but in the place of the grid,
/// is taken to lie on it.
fn place(path: &Path, layout: &Layout, given: Option<System>, grid: &Grid) -> Result<(GeoTransform, Option<Crs>)> {
    /// Share of a pixel.
    const TOLERANCE: f64 = 0.01;
    let same_size = (layout.rows, layout.cols) == (grid.rows, grid.cols);
    let crs = given.map(|system| system.crs).or_else(|| Crs::of_tags(&layout.geo));
    match (layout.geo.transform(), crs) {
        (Some(transform), Some(crs)) => Ok((transform, Some(crs))),
        (Some(transform), None) => {
            let apart = layout.geo.misalignment(&grid.geo, grid.rows, grid.cols);
            if same_size && apart.is_some_and(|apart| apart <= TOLERANCE) {
                tell_once_a_folder(path, "coordinate system", || "has no coordinate system; it is taken to have that of the grid".into());
                return Ok((transform, None));
            }
            let message = "has no coordinate system; give it with --source-crs, for example \"EPSG:3413\" or a PROJ string";
            Err(Error::input(path, message))
        }
        (None, _) => match grid.geo.transform() {
            Some(transform) if same_size => {
                tell_once_a_folder(path, "no georeference", || "has no georeference; it is taken to lie on the grid".into());
                Ok((transform, None))
            }
            _ => {
                let size = format!("{} rows × {} columns where the grid has {} × {}", layout.rows, layout.cols, grid.rows, grid.cols);
                Err(Error::input(path, format!("has no georeference, and {size}; add one with gdal_translate -a_ullr")))
            }
        },
    }
}
