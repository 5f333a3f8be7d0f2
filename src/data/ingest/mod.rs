//! `pack`: rasters of any kind to aligned, uncompressed float32 GeoTIFFs that [`MappedBand`](super::mapped::MappedBand) reads in place.
//!
//! GeoTIFFs that already lie on the grid are converted (`same_grid.rs`). Other GeoTIFFs and NetCDF variables are read by the crate's own
//! readers (`own_source.rs`) and brought onto the grid by its own rules (`positions.rs`, `resample.rs`). What those do not know goes
//! through GDAL where the cargo feature `gdal` is built in (`gdal_rasters.rs`, `warp.rs`); `source.rs` chooses.
//! A variable with named axes (NetCDF, Zarr) is read as the file describes it: `variables.rs` finds it, `horizontal.rs`, `even_axis.rs` and
//! `steps.rs` its place and its days, `encoding.rs` what its samples mean, `cube.rs` puts that together.
//! `scene.rs` makes one file of several bands, with slopes where they are wanted, and `outlines.rs` a class map of polygons.
//! A record in the output folder (`pack.json`) says what each file was made of, so that a run goes on where the last one stopped.

mod arrays;
mod classic_netcdf;
mod cube;
mod encoding;
mod even_axis;
mod grid;
mod horizontal;
mod naming;
mod netcdf;
mod outlines;
mod own_source;
mod positions;
mod record;
mod resample;
mod same_grid;
mod scene;
mod source;
mod source_window;
mod steps;
mod system;
mod units;
mod variables;
mod workers;

#[cfg(feature = "gdal")]
mod bands;
#[cfg(feature = "gdal")]
mod gdal_arrays;
#[cfg(feature = "gdal")]
mod gdal_rasters;
#[cfg(feature = "gdal")]
mod gdal_source;
#[cfg(feature = "gdal")]
mod warp;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::class_map::is_class_map;
use super::day::Day;
use super::linear::Linear;
use super::raster::Raster;
use super::{BY_PACK, Window};
use crate::domains::Fill;
use crate::error::{Error, Result};
use crate::event::Event;
use grid::Grid;
pub use naming::Dates;
use naming::name_by_day;
use record::{Entry, Folder};
use source::Source;

/// How values between the pixels of a source are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Resampling {
    /// The value of the pixel that the target's centre lies in.
    #[default]
    Nearest,
    /// Between the four nearest centres; where one of them has no value, between the others.
    Bilinear,
    /// Mean over the target pixel's area.
    Average,
}

impl Resampling {
    /// Its name on the command line, which is GDAL's too.
    pub fn name(self) -> &'static str {
        match self {
            Resampling::Nearest => "nearest",
            Resampling::Bilinear => "bilinear",
            Resampling::Average => "average",
        }
    }
}

/// What to make of the sources.
#[derive(Debug, Clone, Default)]
pub struct PackOptions {
    /// A raster on the wanted grid.
    pub like: PathBuf,
    /// The part of that grid that is wanted; none: all of it.
    pub window: Option<Window>,
    /// The name of the one file that all bands of all sources become, in their order; none: a file a source, or a day of it.
    pub scene: Option<String>,
    /// Instead of sources: what the file of the name `scene` becomes a map of, inside and outside.
    pub outlines: Option<Outlines>,
    /// Whether a scene of one band, elevations, gets the slope in degrees as a second one.
    pub slope: bool,
    /// Folder for the files.
    pub out: PathBuf,
    /// Variable of a source that has several.
    pub variable: Option<String>,
    /// Index, from 0, along the axis that is neither time nor space; of a raster without axes, its band.
    pub level: Option<usize>,
    /// Coordinate system of the sources, instead of their own.
    pub source_crs: Option<String>,
    /// Values between pixels.
    pub resampling: Resampling,
    /// Change of unit, after the source's own scale and offset.
    pub unit: Linear,
    /// Whether values are decibels after that, and become what those mean: 10^(x/10), before anything is found between pixels.
    pub from_db: bool,
    /// Which days the names of sources without a time axis mean.
    pub dates: Dates,
    /// What pixels without a value get, in the wanted unit: [`Fill::Nearest`] or [`Fill::Value`].
    pub fill: Option<Fill>,
    /// Files made at the same time; `None` takes as many as there are cores.
    pub workers: Option<usize>,
}

/// Outlines of what a class map tells from the ground, as polygons.
#[derive(Debug, Clone)]
pub struct Outlines {
    /// A GeoPackage, Shapefile or whatever else GDAL reads, with one layer of polygons.
    pub file: PathBuf,
    /// Rasters that are not 0 where nobody knows: clouds, seasonal snow.
    pub ignore: Vec<PathBuf>,
}

impl PackOptions {
    /// A value in the wanted unit.
    fn value(&self, x: f64) -> f64 {
        let x = self.unit.apply(x);
        if self.from_db { 10f64.powf(x / 10.0) } else { x }
    }

    /// What makes values in the wanted unit of a file's samples.
    fn of_samples(&self, unscale: Linear) -> impl Fn(f64) -> f64 {
        let change = unscale.then(self.unit);
        move |sample| if self.from_db { self.value(unscale.apply(sample)) } else { change.apply(sample) }
    }

    /// What is left to be done with values that were brought onto the grid: decibels are not averaged, everything linear is.
    fn unit_after(&self) -> Linear {
        if self.from_db { Linear::default() } else { self.unit }
    }

    /// What is done with values as they are read.
    fn before(&self, mut values: Vec<f64>) -> Vec<f64> {
        if self.from_db {
            values.iter_mut().for_each(|value| *value = self.value(*value));
        }
        values
    }
}

/// What [`pack`] did.
#[derive(Debug, Clone, Default)]
pub struct Packed {
    /// Files made now.
    pub written: usize,
    /// Files that an earlier run had made of the same source in the same way.
    pub unchanged: usize,
    /// Files made now of which no pixel has a value.
    pub empty: Vec<PathBuf>,
    /// Pixels of the files made now that were filled.
    pub filled: usize,
    /// Least and largest value of each band of a scene that was made now; none of a band without a value.
    pub ranges: Vec<Option<(f32, f32)>>,
    /// Pixels outside and inside of outlines, and ignored ones, of a class map that was made now.
    pub classes: Option<[usize; 3]>,
}

/// One file to be made.
#[derive(Debug, Clone)]
struct Job {
    file: String,
    source: PathBuf,
    /// Whether the source has no time axis that says the file's day.
    is_timeless: bool,
    work: Work,
}

#[derive(Debug, Clone)]
enum Work {
    /// A GeoTIFF on the grid already.
    SameGrid,
    /// The mean of these steps (numbers from 1), brought onto the grid.
    Warp(Vec<usize>),
    /// These bands (numbers from 1) of these files, brought onto the grid, one behind the other.
    Stack(Vec<(PathBuf, usize)>),
    /// A class map of outlines, without the pixels of these masks.
    Outlines(Vec<PathBuf>),
}

/// Converts the sources: [`Plan::of`] and [`Plan::make`].
///
/// # Errors
/// Those of both.
pub fn pack(sources: &[PathBuf], options: &PackOptions, observe: &mut dyn FnMut(Event)) -> Result<Packed> {
    Plan::of(sources, options)?.make(observe)
}

/// The files that sources are to become.
#[derive(Debug)]
pub struct Plan<'a> {
    options: &'a PackOptions,
    grid: Grid,
    jobs: BTreeMap<String, Job>,
    days: Vec<(PathBuf, Day)>,
}

impl<'a> Plan<'a> {
    /// Looks at the sources and writes nothing; a folder stands for the GeoTIFFs and NetCDF files in it.
    ///
    /// A source with a time axis gives one file a day (`YYYY_MM_DD.tif`, the mean of the day's steps), another one file: of the day in its
    /// name, or under its own name.
    ///
    /// # Errors
    /// [`Error::Input`] for a source or `like` that cannot be read or placed, [`Error::Usage`] for options that do not fit it, names whose
    /// day is in doubt, and two sources of one file.
    pub fn of(sources: &[PathBuf], options: &'a PackOptions) -> Result<Plan<'a>> {
        // Readers advise this command, which is running.
        Self::of_all(sources, options).map_err(|error| match error {
            Error::Input { path, message } => Error::Input { path, message: message.replace(BY_PACK, "") },
            other => other,
        })
    }

    fn of_all(sources: &[PathBuf], options: &'a PackOptions) -> Result<Plan<'a>> {
        let grid = Grid::open(&options.like)?;
        let grid = options.window.map_or(Ok(grid.clone()), |window| grid.part(window))?;
        if let Some(name) = &options.scene {
            let job = match &options.outlines {
                Some(of) => outlines::plan(name, of, options, &grid)?,
                None => scene::plan(name, &files_of(sources)?, options, &grid)?,
            };
            return Ok(Plan { options, grid, jobs: BTreeMap::from([(job.file.clone(), job)]), days: Vec::new() });
        }
        let mut all = Vec::new();
        for source in files_of(sources)? {
            all.extend(plan(&source, options, &grid)?);
        }
        let days = name_by_day(&mut all, &options.dates)?;
        let mut jobs: BTreeMap<String, Job> = BTreeMap::new();
        for job in all {
            if let Some(other) = jobs.get(&job.file) {
                return Err(Error::Usage(format!(
                    "{} and {} would both become {}; pack them into two folders",
                    other.source.display(),
                    job.source.display(),
                    other.file
                )));
            }
            jobs.insert(job.file.clone(), job);
        }
        Ok(Plan { options, grid, jobs, days })
    }

    /// The sources whose names say the day of their file, in the order in which they were given.
    pub fn days(&self) -> &[(PathBuf, Day)] {
        &self.days
    }

    /// Makes the files; finished ones whose source and options have not changed are kept, and those that are called otherwise now replaced.
    ///
    /// # Errors
    /// [`Error::Usage`] for a folder that holds other files, [`Error::Input`] for a source that cannot be read, [`Error::Output`] where a
    /// file cannot be written or another process packs into the folder.
    pub fn make(self, observe: &mut dyn FnMut(Event)) -> Result<Packed> {
        let Plan { options, grid, jobs, .. } = self;
        let entries = jobs.values().map(|job| Ok((job.file.clone(), Entry::of(&job.source, scene::recipe(job, recipe(options, &grid))?)?)));
        let folder = Folder::claim(&options.out, entries.collect::<Result<_>>()?, &grid)?;
        folder.notes().into_iter().for_each(|note| observe(Event::Note(note)));
        let (done, todo): (Vec<Job>, Vec<Job>) = jobs.into_values().partition(|job| folder.is_done(&job.file, &grid));
        if !todo.is_empty() {
            observe(Event::Start { label: "pack", total: todo.len(), unit: "files" });
        }
        let made = workers::make(&todo, options, &grid, observe)?;
        let filled = made.iter().map(|made| made.filled).sum();
        let ranges = made.iter().flat_map(|made| made.ranges.clone()).collect();
        let classes = made.iter().find_map(|made| made.classes);
        let mut empty: Vec<PathBuf> = made.into_iter().filter_map(|made| made.empty).collect();
        empty.sort();
        Ok(Packed { written: todo.len(), unchanged: done.len(), empty, filled, ranges, classes })
    }
}

/// The files that a source becomes.
fn plan(source: &Path, options: &PackOptions, grid: &Grid) -> Result<Vec<Job>> {
    let as_it_is = options.variable.is_none() && options.level.is_none() && options.source_crs.is_none();
    let job = |file: String, is_timeless: bool, work: Work| Job { file, source: source.to_owned(), is_timeless, work };
    if as_it_is && same_grid::is_on(source, grid) {
        return Ok(vec![job(format!("{}.tif", stem(source)), true, Work::SameGrid)]);
    }
    // Opened as for reading, so that what cannot be placed is refused before anything is written.
    let files = Source::open(source, options, grid)?.files(options)?;
    Ok(files.into_iter().map(|(file, is_timeless, steps)| job(file, is_timeless, Work::Warp(steps))).collect())
}

/// The name of a source without its extension; a variable's name follows it.
fn stem(source: &Path) -> String {
    source.file_stem().unwrap_or(source.as_os_str()).to_string_lossy().into_owned()
}

/// Changes where files of the same source get other values, so that those of an earlier version are made again.
const READING: &str = "reading 3";

/// Everything but the source that decides what a file contains, in words.
fn recipe(options: &PackOptions, grid: &Grid) -> String {
    let PackOptions { variable, level, source_crs, resampling, unit, fill, from_db, slope, .. } = options;
    let mut words = format!("{READING}; {}; {}; scale {:?}, offset {:?}", grid.words(), resampling.name(), unit.scale, unit.offset);
    let fill = fill.map(|fill| match fill {
        Fill::Value(value) => format!("{value:?}"),
        other => format!("{other:?}").to_lowercase(),
    });
    let others =
        [("variable", variable.clone()), ("level", level.map(|l| l.to_string())), ("source CRS", source_crs.clone()), ("fill", fill)];
    for (name, value) in others {
        if let Some(value) = value {
            words.push_str(&format!("; {name} {value}"));
        }
    }
    for (is_so, said) in [(*from_db, "; from decibels"), (*slope, "; with the slope")] {
        words.push_str(if is_so { said } else { "" });
    }
    words
}

/// The sources with folders replaced by the GeoTIFFs and NetCDF files in them; a folder without any may be a dataset itself (Zarr).
fn files_of(sources: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let known =
        |path: &Path| path.extension().is_some_and(|e| ["tif", "tiff", "nc", "nc4"].iter().any(|known| e.eq_ignore_ascii_case(known)));
    let mut files = Vec::new();
    for source in sources {
        let unreadable =
            |e: std::io::Error| Error::input(source, format!("cannot be read ({e}); check the path and its permissions")).because(e);
        if !std::fs::metadata(source).map_err(unreadable)?.is_dir() {
            files.push(source.clone());
            continue;
        }
        let inside: Result<Vec<PathBuf>, std::io::Error> =
            std::fs::read_dir(source).map_err(unreadable)?.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut inside = inside.map_err(unreadable)?;
        inside.retain(|path| known(path) && path.is_file());
        inside.sort();
        if inside.is_empty() {
            inside.push(source.clone());
        }
        files.extend(inside);
    }
    Ok(files)
}

/// Whether a file is whole, on the grid, and of the kind that is mapped, or a class map.
fn is_made(path: &Path, grid: &Grid) -> bool {
    let mapped = |raster: Raster| raster.is_mapped() && (raster.rows(), raster.cols()) == (grid.rows, grid.cols);
    Raster::open_band(path, 0).is_ok_and(mapped) || is_class_map(path, [grid.rows, grid.cols])
}
