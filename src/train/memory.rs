//! What a run needs of the device's memory, found out by going through its steps on a planner, and what to do where that is not there.

use std::sync::Arc;

use super::session::{Session, Watcher};
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::error::{Error, Result};
use crate::gpu::{Gpu, MemoryUse};

/// The datasets of a run.
pub(super) struct Memory<'a> {
    pub(super) gpu: &'a Gpu,
    pub(super) train: &'a Arc<Dataset>,
    pub(super) val: Option<&'a Arc<Dataset>>,
}

impl Memory<'_> {
    /// Bytes that training and validation with this configuration take; maps drawn on the way take what prediction takes.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] for an array that the device cannot hold at all; what a model or its inputs refuse.
    pub(super) fn needed(&self, config: &Config) -> Result<MemoryUse> {
        let planner = self.gpu.planner();
        let mut deaf = Watcher { stop: &|| None, observe: &mut |_| {} };
        Session::new(&planner, config, self.train.clone(), self.val.cloned(), &mut deaf)?.rehearse()?;
        Ok(planner.memory())
    }

    /// What the configuration needs, where `limit` bytes (`None`: nobody knows) hold it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] with the number and a configuration that fits; those of [`Memory::needed`].
    pub(super) fn require(&self, config: &Config, limit: Option<u64>) -> Result<MemoryUse> {
        let trouble = match self.needed(config) {
            Ok(needed) if limit.is_none_or(|limit| needed.allocated <= limit) => return Ok(needed),
            Ok(needed) => {
                let has = limit.map_or_else(String::new, |limit| format!(", and there are {}", mebibytes(limit)));
                format!("training would need {} on {}{has}", mebibytes(needed.allocated), self.gpu.capabilities().name)
            }
            Err(Error::OutOfMemory(message)) => message,
            Err(error) => return Err(error),
        };
        Err(Error::OutOfMemory(format!("{trouble}. {}", self.remedy(config, limit)?)))
    }

    /// What to change so that the configuration fits.
    fn remedy(&self, config: &Config, limit: Option<u64>) -> Result<String> {
        let fitting = |candidate: &Config| match self.needed(candidate) {
            Ok(needed) => Ok(limit.is_none_or(|limit| needed.allocated <= limit).then_some(needed.allocated)),
            Err(Error::OutOfMemory(_)) => Ok(None),
            Err(error) => Err(error),
        };
        let recomputing = Config { recompute: true, ..config.clone() };
        let mut ways = Vec::new();
        if !config.recompute
            && let Some(bytes) = fitting(&recomputing)?
        {
            ways.push(format!("`recompute: true` ({}; the same results, about a third slower)", mebibytes(bytes)));
        }
        let most = config.batch_size.min(self.train.days().len());
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

/// Bytes in words; from ten GiB on in GiB.
pub(super) fn mebibytes(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib < 10240.0 { format!("{mib:.1} MiB") } else { format!("{:.1} GiB", mib / 1024.0) }
}
