//! What a step would take on other numbers of ranks, on paper: from a rehearsal, one step measured here, and a network that is described.
//!
//! A step of R ranks with m micro-batches each takes m · (one micro-batch) + the update, and with more than one rank the way of the
//! gradients: device to host and back, the host's share of the sum, and 2·(R − 1)/R of their bytes over the network in 2·(R − 1) messages a
//! bucket ([`crate::ranks`]); beside them all batch statistics. Nothing overlaps. Reading data, validation and epochs' ends are left out.

use std::sync::Arc;
use std::time::Instant;

use super::memory::Memory;
use super::session::{Session, Watcher};
use super::step::Step;
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::error::{Error, Result};
use crate::gpu::{Cost, Gpu};
use crate::nn::Value;
use crate::ranks::{Position, Ranks, bucket};

/// Values of the sum that the host's speed at adding is measured on.
const ADDED: usize = 1 << 22;
/// Times that something is measured; the least counts.
const REPETITIONS: usize = 3;

/// What is not here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elsewhere {
    /// Bytes a second and direction between two ranks.
    pub network: f64,
    /// Seconds that a message takes beside its bytes.
    pub latency: f64,
    /// Seconds of a micro-batch with its update on each rank's device; none: as measured here.
    pub micro_batch: Option<f64>,
    /// Bytes a second between the device and its host; none: as measured here.
    pub link: Option<f64>,
}

/// What was found out about one rank; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Crops of a micro-batch.
    pub crops: usize,
    /// Trained values.
    pub words: usize,
    /// Running statistics, values.
    pub statistics: usize,
    /// Operations and bytes of a micro-batch, by napkin.
    pub work: Cost,
    /// Forward and backward pass of a micro-batch.
    pub micro_batch: f64,
    /// Clipping and the optimizer's update.
    pub update: f64,
    /// Gradients read from the device and written to it.
    pub staging: f64,
    /// Adding one byte to another on the host.
    pub adding: f64,
}

/// A step by so many ranks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// Ranks.
    pub ranks: usize,
    /// Micro-batches of a step.
    pub accumulate_steps: usize,
    /// Seconds of passes and update.
    pub compute: f64,
    /// Seconds of the exchange: staging, messages, sums.
    pub exchange: f64,
    /// Bytes that a rank sends, and as many that it gets.
    pub sent: f64,
    /// Bytes that a rank's device needs; none where it cannot hold the step.
    pub memory: Option<u64>,
}

impl Planned {
    /// Seconds of the step.
    pub fn seconds(&self) -> f64 {
        self.compute + self.exchange
    }

    /// Part of its time that a rank computes micro-batches of the step: 1 would be ranks that need no time for each other.
    pub fn efficiency(&self, measured: &Measured) -> f64 {
        let alone = self.accumulate_steps as f64 * measured.micro_batch + measured.update;
        alone / (self.ranks as f64 * self.seconds())
    }
}

/// The step by `ranks` ranks; of fewer micro-batches than ranks there are as many.
pub fn planned(measured: &Measured, elsewhere: &Elsewhere, ranks: usize, accumulate_steps: usize) -> Planned {
    // As a run needs them: a power of two for each of several ranks.
    let accumulate_steps = if ranks == 1 { accumulate_steps } else { ranks * accumulate_steps.div_ceil(ranks).next_power_of_two() };
    let (r, bytes) = (ranks as f64, 4.0 * measured.words as f64);
    let each = accumulate_steps as f64 / r;
    let compute = each * measured.micro_batch + measured.update;
    if ranks == 1 {
        return Planned { ranks, accumulate_steps, compute, exchange: 0.0, sent: 0.0, memory: None };
    }
    let buckets = measured.words.div_ceil(bucket(ranks)) as f64;
    let messages = 2.0 * (r - 1.0) * buckets + 3.0 * r.log2().ceil();
    let sent = 2.0 * (r - 1.0) / r * bytes + 4.0 * measured.statistics as f64 * (accumulate_steps as f64 - each);
    let adding = measured.adding * bytes * (r - 1.0) / r;
    let exchange = measured.staging + adding + sent / elsewhere.network + messages * elsewhere.latency;
    Planned { ranks, accumulate_steps, compute, exchange, sent, memory: None }
}

/// Steps of a configuration by 1, 2, 4 and so on up to `ranks` ranks.
///
/// # Errors
/// Those of [`Dataset::open`] and of the device; [`Error::OutOfMemory`] where not even one rank's step fits here and its time is to be
/// measured.
pub fn plan(config: &Config, gpu: &Gpu, elsewhere: &Elsewhere, ranks: usize) -> Result<(Measured, Vec<Planned>)> {
    let train = Arc::new(Dataset::open(config, config.learned_split().parse()?)?);
    let measured = measure(config, gpu, elsewhere, &train)?;
    let counts = (0..usize::BITS).map(|power| 1usize << power).take_while(|count| *count < ranks).chain([ranks]);
    let row = |count: usize| {
        let planned = planned(&measured, elsewhere, count, config.accumulate_steps);
        // The first rank has the most to do.
        let sharing = Ranks::imagined(Position { rank: 0, ranks: count, local: 0, locals: 1 });
        let memory = Memory { gpu, train: &train, val: None, ranks: &sharing };
        match memory.needed(&Config { accumulate_steps: planned.accumulate_steps, ..config.clone() }) {
            Ok(needs) => Ok(Planned { memory: Some(needs.memory.allocated), ..planned }),
            Err(Error::OutOfMemory(_) | Error::Limit(_)) => Ok(planned),
            Err(error) => Err(error),
        }
    };
    Ok((measured, counts.map(row).collect::<Result<_>>()?))
}

fn measure(config: &Config, gpu: &Gpu, elsewhere: &Elsewhere, train: &Arc<Dataset>) -> Result<Measured> {
    let mut deaf = Watcher { stop: &|| None, observe: &mut |_| {} };
    let alone = Ranks::alone();
    let planner = gpu.planner();
    let session = Session::new(&planner, config, train.clone(), None, &alone, &mut deaf)?;
    let crops = session.train_size().0.min(config.batch_size);
    let batch = session.empty_batch(crops);
    let mut step = Step::new(session.model.as_ref(), config.recompute);
    let launches = planner.launches_of(|| session.with_batch(&batch, |inputs, loss| step.add(0, 1.0, inputs, loss)).map(drop))?;
    let work = launches
        .iter()
        .map(|launch| launch.cost())
        .fold(Cost::default(), |sum, cost| Cost { flops: sum.flops + cost.flops, bytes: sum.bytes + cost.bytes });
    let model = session.model.parameters();
    let words: usize = model.trainable().iter().map(|(_, parameter)| parameter.len()).sum();
    let running = |value: &Value| if let Value::Buffer(tensor) = value { tensor.len() } else { 0 };
    let statistics = model.entries().iter().map(|(_, value)| running(value)).sum();
    drop(step);
    let mut found = Measured { crops, words, statistics, work, micro_batch: 0.0, update: 0.0, staging: 0.0, adding: adding() };
    if let (Some(micro_batch), Some(link)) = (elsewhere.micro_batch, elsewhere.link) {
        return Ok(Measured { micro_batch, staging: 8.0 * words as f64 / link, ..found });
    }
    let mut session = Session::new(gpu, config, train.clone(), None, &alone, &mut deaf)?;
    (found.micro_batch, found.update) = (f64::INFINITY, f64::INFINITY);
    // The first one compiles and allocates.
    for repetition in 0..=REPETITIONS {
        let mut step = Step::new(session.model.as_ref(), config.recompute);
        gpu.synchronize()?;
        let begun = Instant::now();
        session.with_batch(&batch, |inputs, loss| step.add(0, 1.0, inputs, loss))?;
        gpu.synchronize()?;
        let passed = begun.elapsed().as_secs_f64();
        step.finish(&mut session.optimizer)?;
        gpu.synchronize()?;
        if repetition > 0 {
            found.micro_batch = found.micro_batch.min(passed);
            found.update = found.update.min(begun.elapsed().as_secs_f64() - passed);
        }
    }
    if let Some(micro_batch) = elsewhere.micro_batch {
        (found.micro_batch, found.update) = (micro_batch, 0.0);
    }
    let flat = gpu.allocate(words.max(1))?;
    let staged = (0..REPETITIONS).map(|_| {
        let begun = Instant::now();
        let values = gpu.read(&flat, words.max(1))?;
        gpu.write(&flat, &values);
        gpu.synchronize()?;
        Ok(begun.elapsed().as_secs_f64())
    });
    let staged = staged.collect::<Result<Vec<f64>>>()?.into_iter().fold(f64::INFINITY, f64::min);
    found.staging = elsewhere.link.map_or(staged, |link| 8.0 * words as f64 / link);
    Ok(found)
}

/// Seconds in which the host adds a byte of gradients to another.
fn adding() -> f64 {
    let (mut left, right) = (vec![1.0f32; ADDED], vec![0.5f32; ADDED]);
    let time = |_| {
        let begun = Instant::now();
        left.iter_mut().zip(std::hint::black_box(&right)).for_each(|(left, right)| *left += right);
        std::hint::black_box(&mut left);
        begun.elapsed().as_secs_f64()
    };
    (0..REPETITIONS).map(time).fold(f64::INFINITY, f64::min) / (4 * ADDED) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: Elsewhere = Elsewhere { network: 1e9, latency: 1e-5, micro_batch: None, link: None };

    fn measured() -> Measured {
        let work = Cost::default();
        Measured { crops: 8, words: 25_000_000, statistics: 0, work, micro_batch: 0.5, update: 0.02, staging: 0.05, adding: 1e-10 }
    }

    #[test]
    fn a_step_of_two_ranks_is_the_sum_of_its_parts() {
        let two = planned(&measured(), &NETWORK, 2, 4);
        assert_eq!((two.accumulate_steps, two.compute, two.sent), (4, 2.0 * 0.5 + 0.02, 1e8));
        // Staging, half of the bytes added here, all of them sent once in 24 buckets of two messages, and three rounds of words.
        let wanted = 0.05 + 0.5e8 * 1e-10 + 0.1 + (24.0 * 2.0 + 3.0) * 1e-5;
        assert!((two.exchange - wanted).abs() < 1e-9, "{} {wanted}", two.exchange);
        let efficiency = two.efficiency(&measured());
        assert!((efficiency - (4.0 * 0.5 + 0.02) / (2.0 * two.seconds())).abs() < 1e-12 && efficiency < 1.0);
    }

    #[test]
    fn one_rank_exchanges_nothing_and_more_ranks_than_micro_batches_make_larger_steps() {
        let one = planned(&measured(), &NETWORK, 1, 4);
        assert_eq!((one.exchange, one.sent, one.efficiency(&measured())), (0.0, 0.0, 1.0));
        let many = planned(&measured(), &NETWORK, 64, 4);
        assert_eq!((many.accumulate_steps, many.compute), (64, 0.52));
        // Statistics of the micro-batches of others.
        let with = planned(&Measured { statistics: 1000, ..measured() }, &NETWORK, 64, 4);
        assert_eq!(with.sent - many.sent, 4.0 * 1000.0 * 63.0);
    }
}
