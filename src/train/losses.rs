//! Losses of a pass over batches, read back from the device now and then.
//!
//! Reading a loss waits for the device, so it is done for several batches at once: often enough for progress and for stopping early on
//! values that are not finite, rarely enough that a fast device does not idle.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Batches whose losses are read together at most.
const MOST_PENDING: usize = 16;
/// Time after which losses are read however few they are.
const INTERVAL: Duration = Duration::from_secs(1);

/// What has been asked of the device, and the sum of what it has answered.
pub(super) struct Losses {
    /// The loss of each batch that is not read yet, with the names of its days.
    pending: Vec<(Tensor, Vec<String>)>,
    /// Those read so far, one a batch.
    values: Vec<f64>,
    since: Instant,
}

impl Losses {
    pub(super) fn new() -> Self {
        Losses { pending: Vec::new(), values: Vec::new(), since: Instant::now() }
    }

    /// Adds a batch's loss (shape `[]`); true where it is time to [`Losses::collect`].
    pub(super) fn push(&mut self, loss: Tensor, days: Vec<String>) -> bool {
        loss.gpu().submit();
        self.pending.push((loss, days));
        self.pending.len() >= MOST_PENDING || self.since.elapsed() >= INTERVAL
    }

    /// Waits for the pending losses and returns how many crops they are of.
    ///
    /// # Errors
    /// [`Error::NotFinite`] naming the batch and its days; [`Error::Device`].
    pub(super) fn collect(&mut self) -> Result<usize> {
        let arrived = self.pending.iter().map(|(_, days)| days.len()).sum();
        for (loss, days) in self.pending.drain(..) {
            let value = loss.to_vec()?.first().copied().unwrap_or(f32::NAN);
            if !value.is_finite() {
                return Err(Error::NotFinite(format!("the loss of batch {} is {value} (days {})", self.values.len() + 1, days.join(", "))));
            }
            self.values.push(f64::from(value));
        }
        self.since = Instant::now();
        Ok(arrived)
    }

    /// Mean over the batches read so far.
    pub(super) fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len().max(1) as f64
    }

    /// The losses read so far, one a batch.
    pub(super) fn into_values(self) -> Vec<f64> {
        self.values
    }
}
