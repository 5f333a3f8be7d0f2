//! Batches read ahead by worker threads, in an order that does not depend on them.
//!
//! Worker `w` of `W` makes the batches `w`, `w + W`, `w + 2W`, … and hands each over through its own bounded channel; the consumer
//! takes from the channels in turn. Memory is bounded by `workers · (prefetch + 1)` batches.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::dataset::{Dataset, HostSample};
use super::tiles::Crop;
use crate::error::{Error, Result};

/// Samples of equal size, one after the other in every buffer.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Which day and window each sample is.
    pub crops: Vec<Crop>,
    /// Samples.
    pub n: usize,
    /// Rows of a sample.
    pub height: usize,
    /// Columns of a sample.
    pub width: usize,
    /// Per channel n × height × width raw values, or n values for a scalar channel.
    pub channels: Vec<Vec<f32>>,
    /// n × height × width, NaN where not observed.
    pub target: Vec<f32>,
    /// n × height × width, 1 on ocean.
    pub ocean: Vec<f32>,
    /// n × pixels or tokens, 1 where a pretraining hides the inputs; else empty.
    pub hidden: Vec<f32>,
    /// n × the numbers that say where a sample lies, of networks that see it ([`Locations`](super::location::Locations)); else empty.
    pub location: Vec<f32>,
}

impl Batch {
    /// Reads the samples of one batch, which must share one size.
    ///
    /// # Errors
    /// Those of [`Dataset::read`]; [`Error::Shape`] where the windows differ in size.
    pub fn read(dataset: &Dataset, crops: &[Crop]) -> Result<Batch> {
        Batch::of(dataset.inputs().len(), crops, |crop, sample| dataset.read(crop.day, crop.window, sample))
    }

    /// A batch of so many channels whose samples, of the size of the crops' windows, are what `read` makes of a crop.
    ///
    /// # Errors
    /// Those of `read`; [`Error::Shape`] where the windows differ in size.
    pub fn of(channels: usize, crops: &[Crop], mut read: impl FnMut(&Crop, &mut HostSample) -> Result<()>) -> Result<Batch> {
        let (height, width) = crops.first().map_or((0, 0), |crop| (crop.window.height, crop.window.width));
        let mut batch = Batch { crops: crops.to_vec(), n: crops.len(), height, width, ..Batch::default() };
        batch.channels.resize_with(channels, Vec::new);
        let mut sample = HostSample::default();
        for crop in crops {
            if (crop.window.height, crop.window.width) != (height, width) {
                let message = format!("windows of {height} × {width} and {} × {} in one batch", crop.window.height, crop.window.width);
                return Err(Error::shape("loader", message));
            }
            read(crop, &mut sample)?;
            batch.channels.iter_mut().zip(&sample.channels).for_each(|(all, one)| all.extend_from_slice(one));
            batch.target.extend_from_slice(&sample.target);
            batch.ocean.extend_from_slice(&sample.ocean);
        }
        Ok(batch)
    }

    /// The samples `range` as a batch of their own.
    pub fn part(&self, range: std::ops::Range<usize>) -> Batch {
        let (start, end) = (range.start.min(self.n), range.end.min(self.n));
        // Scalar channels hold one value a sample, all other buffers a plane.
        let of = |values: &Vec<f32>| {
            let each = values.len() / self.n.max(1);
            values[start * each..end * each].to_vec()
        };
        Batch {
            crops: self.crops[start..end].to_vec(),
            n: end - start,
            height: self.height,
            width: self.width,
            channels: self.channels.iter().map(of).collect(),
            target: of(&self.target),
            ocean: of(&self.ocean),
            hidden: of(&self.hidden),
            location: of(&self.location),
        }
    }

    /// The days of the samples, as indices into the dataset.
    pub fn days(&self) -> impl Iterator<Item = usize> + '_ {
        self.crops.iter().map(|crop| crop.day)
    }
}

/// How a [`Loader`] makes batches.
#[derive(Debug, Clone, Copy)]
pub struct LoaderOptions {
    /// Samples of a batch; the last one may have fewer.
    pub batch_size: usize,
    /// Leave out a last batch of fewer samples.
    pub drop_last: bool,
    /// Threads; at least one is used.
    pub workers: usize,
    /// Finished batches that each worker may be ahead.
    pub prefetch: usize,
}

impl Default for LoaderOptions {
    /// One sample a batch, two workers, one batch ahead each.
    fn default() -> Self {
        LoaderOptions { batch_size: 1, drop_last: false, workers: 2, prefetch: 1 }
    }
}

/// An iterator over the batches of a list of crops; it ends after the last batch or after the first error.
#[derive(Debug)]
pub struct Loader {
    receivers: Vec<Receiver<Result<Batch>>>,
    threads: Vec<JoinHandle<()>>,
    next: usize,
    batches: usize,
    waited: Duration,
}

impl Loader {
    /// Starts reading `crops` in their order.
    ///
    /// # Errors
    /// [`Error::Usage`] for a batch size of 0; [`Error::Input`] where no thread can be started.
    pub fn new(dataset: Arc<Dataset>, crops: Vec<Crop>, options: LoaderOptions) -> Result<Loader> {
        Loader::reading(move |crops| Batch::read(&dataset, crops), crops, options)
    }

    /// As [`Loader::new`], with batches that `read` makes of their crops, in whatever thread.
    ///
    /// # Errors
    /// As [`Loader::new`].
    pub fn reading(
        read: impl Fn(&[Crop]) -> Result<Batch> + Send + Sync + 'static,
        crops: Vec<Crop>,
        options: LoaderOptions,
    ) -> Result<Loader> {
        let LoaderOptions { batch_size, drop_last, workers, prefetch } = options;
        if batch_size == 0 {
            return Err(Error::Usage("the batch size is 0; set `batch_size` and `prediction_batch_size` to 1 or more".into()));
        }
        let batches = if drop_last { crops.len() / batch_size } else { crops.len().div_ceil(batch_size) };
        let workers = workers.clamp(1, batches.max(1));
        let (read, crops): (Arc<ReadBatch>, Arc<[Crop]>) = (Arc::new(read), crops.into());
        let mut loader = Loader { receivers: Vec::new(), threads: Vec::new(), next: 0, batches, waited: Duration::ZERO };
        for worker in 0..workers {
            let (sender, receiver) = sync_channel(prefetch);
            let (read, crops) = (read.clone(), crops.clone());
            let thread = std::thread::Builder::new()
                .name(format!("loader-{worker}"))
                .spawn(move || produce(read.as_ref(), &crops, batch_size, (worker..batches).step_by(workers), &sender))
                .map_err(|e| {
                    Error::Usage(format!(
                        "a thread that reads cannot be started ({e}); raise the limits of processes and of memory (ulimit -u, -v)"
                    ))
                    .because(e)
                })?;
            loader.receivers.push(receiver);
            loader.threads.push(thread);
        }
        Ok(loader)
    }

    /// Number of batches in all.
    pub fn batches(&self) -> usize {
        self.batches
    }

    /// Time that [`Iterator::next`] has waited for readers in all; on a warm cache little beyond the first batch's reading.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

/// How a batch is made of its crops.
type ReadBatch = dyn Fn(&[Crop]) -> Result<Batch> + Send + Sync;

/// Makes the given batches one after the other until done, failed, or nobody wants them any more.
fn produce(read: &ReadBatch, crops: &[Crop], batch_size: usize, batches: impl Iterator<Item = usize>, sender: &SyncSender<Result<Batch>>) {
    for index in batches {
        let end = ((index + 1) * batch_size).min(crops.len());
        let batch = read(&crops[index * batch_size..end]);
        let failed = batch.is_err();
        if sender.send(batch).is_err() || failed {
            return;
        }
    }
}

impl Iterator for Loader {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        if self.next >= self.batches {
            return None;
        }
        let asked = Instant::now();
        let batch = self.receivers[self.next % self.receivers.len()].recv().unwrap_or_else(|_| {
            Err(Error::Usage("a thread that reads ended before its work was done; this is a defect of meltcore, please report it".into()))
        });
        self.waited += asked.elapsed();
        self.next = if batch.is_ok() { self.next + 1 } else { self.batches };
        Some(batch)
    }
}

impl Drop for Loader {
    /// Wakes workers that wait to hand over a batch, and waits for the one that each is making.
    fn drop(&mut self) {
        self.receivers.clear();
        for thread in self.threads.drain(..) {
            // A worker's panic was reported when its batch was asked for.
            let _ = thread.join();
        }
    }
}
