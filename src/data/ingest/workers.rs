//! Files made on several threads: this one reads what GDAL reads, the others warp and write.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};

use super::{Job, PackOptions, Work, grid::Grid, same_grid};
#[cfg(feature = "gdal")]
use super::{source::Source, warp};
use crate::data::writer::write_geotiff;
use crate::error::Result;
use crate::event::Event;

/// A file with what it takes to make it.
enum Task<'a> {
    /// The worker reads the source.
    SameGrid(&'a Job),
    /// What was read of the source.
    #[cfg(feature = "gdal")]
    Warp(&'a Job, gdal::Dataset),
}

/// Makes the files; returns those without a value.
pub(super) fn make(jobs: &[Job], options: &PackOptions, grid: &Grid, observe: &mut dyn FnMut(Event)) -> Result<Vec<PathBuf>> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let workers = options.workers.unwrap_or_else(cores).clamp(1, jobs.len().max(1));
    // As many tasks wait as are worked on, so that memory does not grow with the number of files.
    let (tasks, waiting) = mpsc::sync_channel(workers);
    let waiting = Mutex::new(waiting);
    let (done, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (done, waiting) = (done.clone(), &waiting);
            scope.spawn(move || {
                let mut worker = Worker::new(options, grid);
                while let Some(task) = next(waiting) {
                    // The results are listened to until every worker has ended.
                    let _ = done.send(worker.make(task));
                }
            });
        }
        drop(done);
        let mut empty = Vec::new();
        let mut count = |result: Result<Option<PathBuf>>| -> Result<()> {
            empty.extend(result?);
            observe(Event::Done(1));
            Ok(())
        };
        #[cfg(feature = "gdal")]
        let mut reader = Reader { options, grid, opened: None };
        for job in jobs {
            let task = match &job.work {
                Work::SameGrid => Task::SameGrid(job),
                #[cfg(feature = "gdal")]
                Work::Warp(bands) => Task::Warp(job, reader.day(&job.source, bands)?),
            };
            // The other end lives as long as this scope.
            let _ = tasks.send(task);
            results.try_iter().try_for_each(&mut count)?;
        }
        drop(tasks);
        results.iter().try_for_each(&mut count)?;
        Ok(empty)
    })
}

/// The next task; none when there will be no more.
fn next<'a>(waiting: &Mutex<Receiver<Task<'a>>>) -> Option<Task<'a>> {
    waiting.lock().ok()?.recv().ok()
}

/// Reads sources in the order of their files, so that each is opened once.
#[cfg(feature = "gdal")]
struct Reader<'a> {
    options: &'a PackOptions,
    grid: &'a Grid,
    opened: Option<Source>,
}

#[cfg(feature = "gdal")]
impl Reader<'_> {
    fn day(&mut self, path: &std::path::Path, bands: &[usize]) -> Result<gdal::Dataset> {
        let source = match self.opened.take() {
            Some(source) if source.reads(path) => source,
            _ => Source::open(path, self.options, &warp::empty_map(self.grid)?)?,
        };
        self.opened.insert(source).day(bands)
    }
}

/// What one thread keeps between files: a GDAL dataset belongs to a single thread at a time.
struct Worker<'a> {
    options: &'a PackOptions,
    grid: &'a Grid,
    #[cfg(feature = "gdal")]
    warper: Option<warp::Warper>,
}

impl<'a> Worker<'a> {
    fn new(options: &'a PackOptions, grid: &'a Grid) -> Self {
        Worker {
            options,
            grid,
            #[cfg(feature = "gdal")]
            warper: None,
        }
    }

    /// Makes a file; returns its path where no pixel has a value.
    fn make(&mut self, task: Task) -> Result<Option<PathBuf>> {
        let (job, pixels) = match task {
            Task::SameGrid(job) => (job, same_grid::read(&job.source, self.options.unit)?),
            #[cfg(feature = "gdal")]
            Task::Warp(job, day) => (job, self.warp(job, &day)?),
        };
        let path = self.options.out.join(&job.file);
        write_geotiff(&path, self.grid.rows, self.grid.cols, &pixels, &self.grid.geo)?;
        Ok(pixels.iter().all(|value| value.is_nan()).then_some(path))
    }

    #[cfg(feature = "gdal")]
    fn warp(&mut self, job: &Job, day: &gdal::Dataset) -> Result<Vec<f32>> {
        let warper = match self.warper.take() {
            Some(warper) => warper,
            None => warp::Warper::new(self.options, self.grid)?,
        };
        let refused = |reason| crate::error::Error::input(&job.source, format!("GDAL cannot warp it to the grid ({reason})"));
        self.warper.insert(warper).map_of(day).map_err(refused)
    }
}
