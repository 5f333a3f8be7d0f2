//! What a run needs of the device's memory, found out by going through its steps on a planner, and what to do where that is not there.

use std::sync::Arc;

use super::session::{Session, Watcher};
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::domains::Unit;
use crate::error::{Error, Result};
use crate::gpu::{DeviceKind, Gpu, MemoryUse};
use crate::ranks::Ranks;

/// The datasets of a run.
pub(super) struct Memory<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) train: &'a Arc<Dataset>,
    pub(super) val: Option<&'a Arc<Dataset>>,
    pub(super) ranks: &'a Ranks,
}

/// How many percent of the wanted bytes a reused buffer may have: which of these holds least depends on the network.
const REUSE: [u64; 5] = [150, 100, 200, 300, 400];

/// Bytes that threads, kernels' scratch and the program itself take, by what small runs were measured to take.
const PROGRAM: u64 = 64 << 20;

/// What a run takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    pub(super) memory: MemoryUse,
    /// Bytes that are taken of the same memory for other things than the device's arrays; 0 on a GPU.
    pub(super) beside: u64,
    /// The setting of [`Gpu::set_reuse`] for which that holds.
    pub(super) reuse: u64,
}

/// What there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// `None`: nobody knows.
    pub(super) bytes: Option<u64>,
    /// Whether it is of the device's arrays alone, as `--memory` says it.
    pub(super) of_device: bool,
}

impl Limit {
    /// Bytes that count.
    fn of(self, needs: &Needs) -> u64 {
        needs.memory.allocated + if self.of_device { 0 } else { needs.beside }
    }

    fn holds(self, needs: &Needs) -> bool {
        self.bytes.is_none_or(|bytes| self.of(needs) <= bytes)
    }
}

/// The least memory that some work takes.
#[derive(Debug, Clone, Copy)]
pub struct Least<T> {
    /// What it takes.
    pub memory: MemoryUse,
    /// The setting of [`Gpu::set_reuse`] for which that holds.
    pub reuse: u64,
    /// What the work found beside.
    pub found: T,
}

/// Goes through work on a planner of a device with several settings of reuse, and gives the one that takes least memory.
///
/// # Errors
/// Those of the work.
pub fn least_memory<T>(gpu: &Gpu, mut work: impl FnMut(&Gpu) -> Result<(MemoryUse, T)>) -> Result<Least<T>> {
    let mut least: Option<Least<T>> = None;
    for reuse in REUSE {
        let planner = gpu.planner();
        planner.set_reuse(reuse);
        let (memory, found) = work(&planner)?;
        least = least.filter(|least| least.memory.allocated <= memory.allocated).or(Some(Least { memory, reuse, found }));
    }
    least.ok_or_else(|| Error::OutOfMemory("no plan was made".into()))
}

impl Memory<'_> {
    /// What training and validation with this configuration take; maps drawn on the way take what prediction takes.
    ///
    /// # Errors
    /// [`Error::Limit`] for an array that the device cannot hold at all; what a model or its inputs refuse.
    pub(super) fn needed(&self, config: &Config) -> Result<Needs> {
        let shared = self.gpu.capabilities().kind != DeviceKind::Gpu;
        let least = least_memory(self.gpu, |planner| {
            let mut deaf = Watcher { stop: &|| None, observe: &mut |_| {} };
            let mut session = Session::new(planner, config, self.train.clone(), self.val.cloned(), self.ranks, &mut deaf)?;
            session.rehearse()?;
            let beside = if shared { PROGRAM + session.beside()? } else { 0 };
            Ok((planner.memory(), beside))
        })?;
        Ok(Needs { memory: least.memory, beside: least.found, reuse: least.reuse })
    }

    /// What the configuration needs, where `limit` bytes (`None`: nobody knows) hold it. What the process takes beside counts unless
    /// somebody set the limit for the device alone (`--memory`).
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] with the number and a configuration that fits; those of [`Memory::needed`].
    pub(super) fn require(&self, config: &Config, limit: Limit) -> Result<Needs> {
        let trouble = match self.needed(config) {
            Ok(needed) if limit.holds(&needed) => return Ok(needed),
            Ok(needed) => {
                let has = limit.bytes.map_or_else(String::new, |bytes| format!(", and there are {}", mebibytes(bytes)));
                let beside = match limit.of(&needed) - needed.memory.allocated {
                    0 => String::new(),
                    bytes => format!(" and {} beside for batches, checkpoints and the program", mebibytes(bytes)),
                };
                format!("training would need {} on {}{beside}{has}", mebibytes(needed.memory.allocated), self.gpu.capabilities().name)
            }
            Err(Error::OutOfMemory(message) | Error::Limit(message)) => message,
            Err(error) => return Err(error),
        };
        Err(Error::OutOfMemory(format!("{trouble}. {}", self.remedy(config, limit)?)))
    }

    /// What to change so that the configuration fits.
    fn remedy(&self, config: &Config, limit: Limit) -> Result<String> {
        let fitting = |candidate: &Config| match self.needed(candidate) {
            Ok(needed) => Ok(limit.holds(&needed).then_some(needed.memory.allocated)),
            // Not every model takes every batch size.
            Err(Error::OutOfMemory(_) | Error::Limit(_) | Error::Shape { .. } | Error::Config { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let recomputing = Config { recompute: true, ..config.clone() };
        let mut ways = Vec::new();
        if !config.recompute
            && let Some(bytes) = fitting(&recomputing)?
        {
            ways.push(format!("`recompute: true` ({}; the same results, about a third slower)", mebibytes(bytes)));
        }
        let most = match self.train.domain().unit {
            Unit::Day => config.batch_size.min(self.train.days().len()),
            Unit::Scene => config.batch_size,
        };
        for base in if config.recompute { vec![&recomputing] } else { vec![config, &recomputing] } {
            // A division without a rest, so that a step sees as many crops as before.
            for batch_size in (1..most).rev().filter(|size| config.batch_size.is_multiple_of(*size)) {
                let accumulate_steps = config.accumulate_steps * (config.batch_size / batch_size);
                let smaller = Config { batch_size, accumulate_steps, ..base.clone() };
                if let Some(bytes) = fitting(&smaller)? {
                    let also = if base.recompute && !config.recompute { " and `recompute: true`" } else { "" };
                    let size = mebibytes(bytes);
                    ways.push(format!("`batch_size: {batch_size}` with `accumulate_steps: {accumulate_steps}`{also} ({size})"));
                    break;
                }
            }
            if !ways.is_empty() {
                break;
            }
        }
        Ok(match ways.is_empty() {
            false => format!("What fits: {}", ways.join("; or ")),
            true => "Even batch_size 1 with recompute does not fit: set a smaller img_size or a smaller network".into(),
        })
    }
}

/// Goes through the steps of training and validation with a configuration and its data on a planner, which computes nothing.
///
/// # Errors
/// Those of [`Dataset::open`]; what a model or its inputs refuse.
pub fn rehearse(config: &Config, planner: &Gpu) -> Result<()> {
    let train = Arc::new(Dataset::open(config, config.learned_split().parse()?)?);
    let mut deaf = Watcher { stop: &|| None, observe: &mut |_| {} };
    Session::new(planner, config, train, None, &Ranks::alone(), &mut deaf)?.rehearse()
}

/// Bytes in words; from ten GiB on in GiB.
pub(super) fn mebibytes(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 10240.0 { format!("{mib:.1} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}

/// The batch size with which training fits into the device's memory, and the bytes of its arrays: the configured one, else halved as often
/// as it takes; `None` where not even single crops fit.
///
/// # Errors
/// Those of [`Dataset::open`]; what a model or its inputs refuse.
pub fn fitting_batch_size(config: &Config, gpu: &Gpu) -> Result<Option<(usize, u64)>> {
    let train = Arc::new(Dataset::open(config, config.learned_split().parse()?)?);
    let memory = Memory { gpu, train: &train, val: None, ranks: &Ranks::alone() };
    let limit = Limit { bytes: gpu.memory_size(), of_device: false };
    let mut batch_size = config.batch_size;
    while batch_size > 0 {
        match memory.needed(&Config { batch_size, ..config.clone() }) {
            Ok(needed) if limit.holds(&needed) => return Ok(Some((batch_size, needed.memory.allocated))),
            Ok(_) | Err(Error::OutOfMemory(_) | Error::Limit(_)) => batch_size /= 2,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
