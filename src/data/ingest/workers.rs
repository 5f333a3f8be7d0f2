//! Files made on several threads: this one reads sources that are not on the grid, the others resample and write.

use std::path::PathBuf;
#[cfg(feature = "gdal")]
use std::sync::{Mutex, PoisonError};

use super::resample::resample;
use super::source::{Pixels, Reader};
#[cfg(feature = "gdal")]
use super::warp;
use super::{Job, PackOptions, Work, grid::Grid, same_grid};
use crate::data::nearest::fill_from_nearest;
use crate::data::parallel::in_parallel;
use crate::data::writer::write_geotiff;
use crate::domains::Fill;
use crate::error::{Error, Result};
use crate::event::Event;

/// A file with what it takes to make it.
enum Task<'a> {
    /// The worker reads the source.
    SameGrid(&'a Job),
    /// What was read of the source, or of the sources of a scene band by band.
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
}

/// Makes the files.
pub(super) fn make(jobs: &[Job], options: &PackOptions, grid: &Grid, observe: &mut dyn FnMut(Event)) -> Result<Vec<Made>> {
    let mut reader = Reader::new(options, grid);
    let tasks = jobs.iter().map(|job| match &job.work {
        Work::SameGrid => Ok(Task::SameGrid(job)),
        Work::Warp(steps) => Ok(Task::Warp(job, vec![reader.day(&job.source, steps)?])),
        Work::Stack(bands) => {
            let read = bands.iter().map(|(source, band)| reader.day(source, &[*band])).collect::<Result<_>>()?;
            Ok(Task::Warp(job, read))
        }
    });
    let workshop = Workshop {
        options,
        grid,
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
    /// As many as there are threads, once each has warped; a GDAL dataset belongs to a single thread at a time.
    #[cfg(feature = "gdal")]
    idle: Mutex<Vec<warp::Warper>>,
}

impl Workshop<'_> {
    /// Makes a file.
    fn make(&self, task: Task) -> Result<Made> {
        let (job, mut bands) = match task {
            Task::SameGrid(job) => (job, vec![same_grid::read(&job.source, self.options.unit)?]),
            Task::Warp(job, read) => (job, read.into_iter().map(|pixels| self.on_grid(job, pixels)).collect::<Result<_>>()?),
        };
        let path = self.options.out.join(&job.file);
        // A source without any value stays one whatever is filled, so that it is not taken for a field.
        let is_empty = bands.iter().flatten().all(|value| value.is_nan());
        let mut filled = 0;
        for band in bands.iter_mut().filter(|_| !is_empty) {
            filled += fill(band, self.options.fill, self.grid.cols);
        }
        let ranges = if matches!(job.work, Work::Stack(_)) { bands.iter().map(|band| range(band)).collect() } else { Vec::new() };
        write_geotiff(&path, self.grid.rows, self.grid.cols, &bands.concat(), &self.grid.geo)?;
        Ok(Made { empty: is_empty.then_some(path), filled, ranges })
    }

    /// What was read, on the grid.
    fn on_grid(&self, #[cfg_attr(not(feature = "gdal"), allow(unused_variables))] job: &Job, pixels: Pixels) -> Result<Vec<f32>> {
        match pixels {
            Pixels::Own(day, positions) => {
                let size = (self.grid.rows, self.grid.cols);
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
            None => warp::Warper::new(self.options, self.grid)?,
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
