//! The place of a tile, as numbers, made a number for each channel.

use super::layers::{EPS, LEAKY_LOCATION, Settings};
use crate::autograd::Tape;
use crate::error::Result;
use crate::nn::{BatchNorm2d, Builder, Dropout, Linear, Mode};
use crate::ops::{self, Activation, RunningVariance};
use crate::tensor::Tensor;

/// The encoder.
pub(super) struct Location {
    layers: [(Linear, BatchNorm2d); 2],
    dropout: Dropout,
    width: usize,
}

impl Location {
    /// None where nothing encodes a place.
    pub(super) fn new(b: &mut Builder, settings: &Settings) -> Result<Option<Location>> {
        let (numbers, width) = (settings.location, settings.width);
        if numbers == 0 {
            return Ok(None);
        }
        let mut layer = |index: usize, c_in: usize| -> Result<(Linear, BatchNorm2d)> {
            let linear = b.linear(&format!("location.fc{index}"), [c_in, width], [c_in, width])?;
            let norm = b.batch_norm2d(&format!("location.bn{index}"), width, EPS)?;
            Ok((linear, norm.with_variance(RunningVariance::Biased)))
        };
        let layers = [layer(1, numbers)?, layer(2, width)?];
        Ok(Some(Location { layers, dropout: b.dropout(settings.dropout), width }))
    }

    /// `[n, width]` of `[n, numbers]`.
    pub(super) fn forward(&self, tape: &Tape, numbers: &Tensor, mode: Mode) -> Result<Tensor> {
        let mut x = numbers.clone();
        for (linear, norm) in &self.layers {
            let y = linear.forward(tape, &x, Activation::None)?;
            let n = y.len() / self.width;
            let y = norm.forward(tape, &ops::reshape(tape, &y, [n, self.width, 1, 1])?, mode, LEAKY_LOCATION)?;
            x = ops::reshape(tape, &y, [n, self.width])?;
        }
        self.dropout.forward(tape, &x, mode)
    }
}
