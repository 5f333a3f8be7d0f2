//! Files made on several threads: this one reads sources that are not on the grid, the others resample and write.

use std::path::PathBuf;
#[cfg(feature = "gdal")]
use std::sync::{Mutex, PoisonError};

use super::resample::resample;
use super::source::{Pixels, Reader};
#[cfg(feature = "gdal")]
use super::warp;
use super::{Job, PackOptions, Work, grid::Grid, outlines, same_grid};
use crate::data::cells::Cells;
use crate::data::nearest::fill_from_nearest;
use crate::data::parallel::in_parallel;
use crate::data::slope::slope;
use crate::data::writer::write_geotiff;
use crate::domains::Fill;
use crate::error::{Error, Result};
use crate::event::Event;

/// A file with what it takes to make it.
enum Task<'a> {
    /// The worker reads the source.
    SameGrid(&'a Job),
    /// What was read of the source, or of the sources of a scene band by band, or of masks.
    Warp(&'a Job, Vec<Pixels>),
}

/// What is to be said of a file that was made.
pub(super) struct Made {
    /// Its path, where no pixel has a value.
    pub empty: Option<PathBuf>,
    /// Pixels that were filled.
    pub filled: usize,
    /// Least and largest value of each band of a scene; none of a band without a value.
    pub ranges: Vec<Option<(f32, f32)>>,
    /// Pixels outside and inside of outlines, and ignored ones.
    pub classes: Option<[usize; 3]>,
}

/// Makes the files.
pub(super) fn make(jobs: &[Job], options: &PackOptions, grid: &Grid, observe: &mut dyn FnMut(Event)) -> Result<Vec<Made>> {
    // Slopes need what is around the pixels.
    let around = if options.slope { grid.clone().grown() } else { grid.clone() };
    let mut reader = Reader::new(options, &around);
    let tasks = jobs.iter().map(|job| match &job.work {
        Work::SameGrid => Ok(Task::SameGrid(job)),
        Work::Warp(steps) => Ok(Task::Warp(job, vec![reader.day(&job.source, steps)?])),
        Work::Stack(bands) => {
            let read = bands.iter().map(|(source, band)| reader.day(source, &[*band])).collect::<Result<_>>()?;
            Ok(Task::Warp(job, read))
        }
        Work::Outlines(masks) => {
            let read = masks.iter().map(|mask| reader.day(mask, &[1])).collect::<Result<_>>()?;
            Ok(Task::Warp(job, read))
        }
    });
    let workshop = Workshop {
        options,
        grid,
        around: &around,
        #[cfg(feature = "gdal")]
        idle: Mutex::default(),
    };
    let most = options.workers.unwrap_or_else(rayon::current_num_threads);
    in_parallel(tasks, most, |task| workshop.make(task), || observe(Event::Done(1)))
}

/// What the threads share.
struct Workshop<'a> {
    options: &'a PackOptions,
    grid: &'a Grid,
    /// The grid that sources are brought onto.
    around: &'a Grid,
    /// As many as there are threads, once each has warped; a GDAL dataset belongs to a single thread at a time.
    #[cfg(feature = "gdal")]
    idle: Mutex<Vec<warp::Warper>>,
}

impl Workshop<'_> {
    /// Makes a file.
    fn make(&self, task: Task) -> Result<Made> {
        let (job, mut bands) = match task {
            Task::SameGrid(job) => (job, vec![same_grid::read(&job.source, self.options)?]),
            Task::Warp(job, read) => (job, read.into_iter().map(|pixels| self.on_grid(job, pixels)).collect::<Result<_>>()?),
        };
        let path = self.options.out.join(&job.file);
        if let Work::Outlines(_) = job.work {
            let classes = outlines::make(&path, &job.source, &bands, self.options, self.grid)?;
            return Ok(Made { empty: None, filled: 0, ranges: Vec::new(), classes: Some(classes) });
        }
        if self.options.slope {
            bands = vec![self.without_edge(&bands[0]), self.slope(&bands[0])?];
        }
        // A source without any value stays one whatever is filled, so that it is not taken for a field.
        let is_empty = bands.iter().flatten().all(|value| value.is_nan());
        let mut filled = 0;
        for band in bands.iter_mut().filter(|_| !is_empty) {
            filled += fill(band, self.options.fill, self.grid.cols);
        }
        let ranges = if matches!(job.work, Work::Stack(_)) { bands.iter().map(|band| range(band)).collect() } else { Vec::new() };
        write_geotiff(&path, self.grid.rows, self.grid.cols, &bands.concat(), &self.grid.geo)?;
        Ok(Made { empty: is_empty.then_some(path), filled, ranges, classes: None })
    }

    /// The pixels of the grid, of those and one more on every side.
    fn without_edge(&self, around: &[f32]) -> Vec<f32> {
        let Grid { rows, cols, .. } = *self.grid;
        around.chunks(cols + 2).skip(1).take(rows).flat_map(|line| &line[1..=cols]).copied().collect()
    }

    fn slope(&self, around: &[f32]) -> Result<Vec<f32>> {
        let unplaced =
            || Error::input(&self.grid.path, "has no georeference, so that slopes are unknown; name a raster with one for --like");
        let cells = Cells::of(&self.grid.geo).ok_or_else(unplaced)?;
        Ok(slope(around, [self.grid.rows, self.grid.cols], &cells))
    }

    /// What was read, on the grid.
    fn on_grid(&self, #[cfg_attr(not(feature = "gdal"), allow(unused_variables))] job: &Job, pixels: Pixels) -> Result<Vec<f32>> {
        match pixels {
            Pixels::Own(day, positions) => {
                let size = (self.around.rows, self.around.cols);
                let map = resample(&day, &positions, self.options.resampling, size);
                map.map_err(|message| Error::input(&self.grid.path, message))
            }
            #[cfg(feature = "gdal")]
            Pixels::Gdal(day) => self.warp(job, &day),
        }
    }

    #[cfg(feature = "gdal")]
    fn warp(&self, job: &Job, day: &gdal::Dataset) -> Result<Vec<f32>> {
        // No thread can panic while it holds the lock, so a poisoned one is as good.
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = idle().pop();
        let mut warper = match rested {
            Some(warper) => warper,
            None => warp::Warper::new(self.options, self.around)?,
        };
        let refused = |reason| Error::input(&job.source, format!("GDAL cannot warp it to the grid ({reason})"));
        let pixels = warper.map_of(day).map_err(refused)?;
        idle().push(warper);
        Ok(pixels)
    }
}

/// Least and largest value.
fn range(band: &[f32]) -> Option<(f32, f32)> {
    let values = band.iter().filter(|value| !value.is_nan());
    values.fold(None, |range, value| Some(range.map_or((*value, *value), |(low, high): (f32, f32)| (low.min(*value), high.max(*value)))))
}

/// Fills what has no value; returns how many pixels that were.
fn fill(pixels: &mut [f32], with: Option<Fill>, cols: usize) -> usize {
    match with {
        Some(Fill::Nearest) => fill_from_nearest(pixels, cols).unwrap_or(0),
        Some(Fill::Value(value)) => {
            let gaps = pixels.iter().filter(|pixel| pixel.is_nan()).count();
            pixels.iter_mut().filter(|pixel| pixel.is_nan()).for_each(|pixel| *pixel = value as f32);
            gaps
        }
        // What these mean only a configuration and a folder of days know; the command refuses them.
        Some(Fill::Mean | Fill::Time) | None => 0,
    }
}
