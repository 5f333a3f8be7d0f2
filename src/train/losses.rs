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

/// What one batch came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arrived {
    /// Its loss; `None` where it has no valid pixel, of which there is no loss.
    pub(super) loss: Option<f64>,
    /// Its crops.
    pub(super) crops: usize,
}

impl Arrived {
    pub(super) const BYTES: usize = 12;

    /// As ranks tell each other: the loss or NaN, and the crops.
    pub(super) fn bytes(&self) -> [u8; Arrived::BYTES] {
        let (loss, crops) = (self.loss.unwrap_or(f64::NAN).to_le_bytes(), (self.crops as u32).to_le_bytes());
        std::array::from_fn(|at| if at < loss.len() { loss[at] } else { crops[at - loss.len()] })
    }

    /// Those in a row of such bytes.
    pub(super) fn all(bytes: &[u8]) -> Vec<Arrived> {
        let (all, _) = bytes.as_chunks::<{ Arrived::BYTES }>();
        let read = |bytes: &[u8; Arrived::BYTES]| {
            let loss = f64::from_le_bytes(std::array::from_fn(|at| bytes[at]));
            let crops = u32::from_le_bytes(std::array::from_fn(|at| bytes[8 + at]));
            Arrived { loss: (!loss.is_nan()).then_some(loss), crops: crops as usize }
        };
        all.iter().map(read).collect()
    }
}

/// What has been asked of the device, and the sum of what it has answered.
pub(super) struct Losses {
    /// The loss of each batch that is not read yet, with the names of its days and whether any of its pixels is valid.
    pending: Vec<(Tensor, Vec<String>, bool)>,
    /// Those read so far, one a batch; `None` for a batch without a valid pixel, of which there is no loss.
    values: Vec<Option<f64>>,
    since: Instant,
}

impl Losses {
    pub(super) fn new() -> Self {
        Losses { pending: Vec::new(), values: Vec::new(), since: Instant::now() }
    }

    /// Adds a batch's loss (shape `[]`), which counts where any pixel of it is `valid`; true where it is time to [`Losses::collect`].
    pub(super) fn push(&mut self, loss: Tensor, days: Vec<String>, valid: bool) -> bool {
        loss.gpu().submit();
        self.pending.push((loss, days, valid));
        self.pending.len() >= MOST_PENDING || self.since.elapsed() >= INTERVAL
    }

    /// Waits for the pending losses and returns how many crops they are of.
    ///
    /// # Errors
    /// [`Error::NotFinite`] naming the batch and its days; [`Error::Device`].
    pub(super) fn collect(&mut self) -> Result<usize> {
        let arrived = self.read(self.values.len())?;
        Ok(self.add(arrived))
    }

    /// Waits for the pending losses, of batches of which the first has `before` others before it, and gives them away.
    ///
    /// # Errors
    /// As [`Losses::collect`].
    pub(super) fn read(&mut self, before: usize) -> Result<Vec<Arrived>> {
        self.since = Instant::now();
        let read = |(number, (loss, days, valid)): (usize, (Tensor, Vec<String>, bool))| {
            let value = loss.to_vec()?.first().copied().unwrap_or(f32::NAN);
            if !value.is_finite() {
                return Err(Error::NotFinite(format!("the loss of batch {} is {value} (days {})", before + number + 1, days.join(", "))));
            }
            Ok(Arrived { loss: valid.then_some(f64::from(value)), crops: days.len() })
        };
        self.pending.drain(..).enumerate().map(read).collect()
    }

    /// Adds losses that were read, and returns how many crops they are of.
    pub(super) fn add(&mut self, arrived: Vec<Arrived>) -> usize {
        self.values.extend(arrived.iter().map(|batch| batch.loss));
        arrived.iter().map(|batch| batch.crops).sum()
    }

    /// Batches whose losses are known.
    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// Mean over the batches read so far that have a valid pixel; `None` where none has.
    pub(super) fn mean(&self) -> Option<f64> {
        mean(&self.values)
    }

    /// The losses read so far, one a batch.
    pub(super) fn into_values(self) -> Vec<Option<f64>> {
        self.values
    }
}

/// Mean of the losses that there are.
pub(super) fn mean(losses: &[Option<f64>]) -> Option<f64> {
    let count = losses.iter().flatten().count();
    (count > 0).then(|| losses.iter().flatten().sum::<f64>() / count as f64)
}

#[cfg(test)]
mod tests {
    use super::mean;

    #[test]
    fn batches_without_a_valid_pixel_are_no_part_of_the_mean() {
        assert_eq!(mean(&[Some(0.25), None, Some(0.75), None]), Some(0.5));
        assert_eq!((mean(&[None, None]), mean(&[])), (None, None));
    }
}
