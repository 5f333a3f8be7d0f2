//! The loss of maps of a quantity: what the error of each pixel costs, and what their structure adds; or that of quantiles.

use super::Targets;
use crate::autograd::Tape;
use crate::calibrate::quantiles;
use crate::config::{Config, SimilarityTerm};
use crate::error::Result;
use crate::models::Outputs;
use crate::ops::{self, LossKind, Reduction};
use crate::tensor::Tensor;

/// `loss_function` of a task that learns one.
pub(super) struct PixelLoss {
    kind: LossKind,
    similarity: Option<SimilarityTerm>,
    /// Range of what is learnt.
    range: [f64; 2],
    /// Levels of what is learnt, where it is not one value.
    levels: Vec<f64>,
}

impl PixelLoss {
    /// The configured loss of targets in `range`.
    pub(super) fn new(config: &Config, range: [f64; 2]) -> PixelLoss {
        PixelLoss { kind: config.loss_kind(), similarity: config.similarity_term(), range, levels: config.quantiles.clone() }
    }

    /// The mean over the images of a batch, shape `[]`.
    pub(super) fn of(&self, tape: &Tape, outputs: &Outputs, targets: &Targets) -> Result<Tensor> {
        if !self.levels.is_empty() {
            return of_quantiles(tape, &outputs.map, targets, &self.levels);
        }
        let (map, wanted, mask) = (&outputs.map, &targets.values, &targets.mask);
        let of_pixels = ops::masked_loss(tape, map, wanted, mask, self.kind, Reduction::Mean)?;
        let Some(SimilarityTerm { weight, sigma }) = self.similarity else { return Ok(of_pixels) };
        let of_structure = ops::masked_ssim_loss(tape, map, wanted, mask, sigma, self.range)?;
        ops::add(tape, &of_pixels, &ops::mul_scalar(tape, &of_structure, weight as f32)?)
    }
}

impl Default for PixelLoss {
    /// The absolute error.
    fn default() -> Self {
        PixelLoss { kind: LossKind::L1, similarity: None, range: [0.0, 1.0], levels: Vec::new() }
    }
}

/// The continuous ranked probability score of quantiles, shape `[]`.
///
/// # Shapes
/// `map` `[n, levels, h, w]`.
fn of_quantiles(tape: &Tape, map: &Tensor, targets: &Targets, levels: &[f64]) -> Result<Tensor> {
    let [n, channels, h, w] = map.nchw("quantiles")?;
    // Channels first, so that each is one piece.
    let rows = ops::reshape(tape, map, [1, n, channels, h * w])?;
    let rows = ops::reshape(tape, &ops::transpose(tape, &rows)?, [channels, n, h * w])?;
    let mut sum: Option<Tensor> = None;
    for (k, (level, weight)) in levels.iter().zip(quantiles::weights(levels)).enumerate() {
        let channel = ops::reshape(tape, &ops::narrow(tape, &rows, k, 1)?, [n, 1, h, w])?;
        let of_level = ops::masked_loss(tape, &channel, &targets.values, &targets.mask, LossKind::Pinball(*level), Reduction::Mean)?;
        let term = ops::mul_scalar(tape, &of_level, (2.0 * weight) as f32)?;
        sum = Some(match sum {
            None => term,
            Some(sum) => ops::add(tape, &sum, &term)?,
        });
    }
    // A configuration has at least one level.
    sum.map_or_else(|| Tensor::full(map.gpu(), [], 0.0), Ok)
}
