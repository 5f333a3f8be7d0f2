//! The loss of a segmentation: a sum of terms, over the map and the auxiliary outputs.

use crate::autograd::Tape;
use crate::config::{Config, LossTerm};
use crate::error::{Error, Result};
use crate::models::Outputs;
use crate::ops::{self, CrossEntropyAttrs, FocalLossAttrs};
use crate::tasks::Targets;
use crate::tensor::Tensor;

/// Terms and their settings.
#[derive(Debug, Clone)]
pub(super) struct Loss {
    terms: Vec<LossTerm>,
    gamma: f64,
    dice_smooth: f64,
    label_smoothing: f64,
    class_weights: Vec<f32>,
}

impl Default for Loss {
    /// Cross entropy as it is.
    fn default() -> Self {
        Loss { terms: vec![LossTerm::CrossEntropy], gamma: 2.0, dice_smooth: 1.0, label_smoothing: 0.0, class_weights: Vec::new() }
    }
}

impl Loss {
    pub(super) fn of(config: &Config) -> Loss {
        Loss {
            terms: config.loss_function.0.clone(),
            gamma: config.focal_gamma,
            dice_smooth: config.dice_smooth,
            label_smoothing: config.label_smoothing,
            class_weights: config.class_weights.iter().map(|weight| *weight as f32).collect(),
        }
    }

    /// Σ weight · loss over the map, of weight 1, and the auxiliary outputs; labels are smoothed where gradients are wanted only.
    ///
    /// `everywhere`: the focal loss counts pixels without a class, as belonging to none.
    pub(super) fn of_outputs(&self, tape: &Tape, outputs: &Outputs, targets: &Targets, everywhere: bool) -> Result<Tensor> {
        let mut sum = self.of_map(tape, &outputs.map, targets, everywhere)?;
        for (weight, map) in &outputs.auxiliary {
            let auxiliary = self.of_map(tape, map, targets, everywhere)?;
            sum = ops::add(tape, &sum, &ops::mul_scalar(tape, &auxiliary, *weight)?)?;
        }
        Ok(sum)
    }

    fn of_map(&self, tape: &Tape, logits: &Tensor, targets: &Targets, everywhere: bool) -> Result<Tensor> {
        let weights = match self.class_weights.as_slice() {
            [] => None,
            weights => Some(Tensor::from_slice(logits.gpu(), [weights.len()], weights)?),
        };
        let label_smoothing = if tape.tracks(logits) { self.label_smoothing } else { 0.0 };
        let mut sum: Option<Tensor> = None;
        for term in &self.terms {
            let of_term = match term {
                LossTerm::Focal => {
                    let one_hot = targets.one_hot.as_ref().ok_or_else(|| Error::shape("segmentation", "targets without classes"))?;
                    let probabilities = ops::softmax(tape, logits, 1)?;
                    let mask = (!everywhere).then_some(&targets.mask);
                    let attrs = FocalLossAttrs { gamma: self.gamma, label_smoothing, class_weights: weights.as_ref() };
                    ops::focal_loss(tape, &probabilities, one_hot, mask, attrs)?
                }
                LossTerm::Dice => ops::dice_loss(tape, logits, &targets.values, &targets.mask, self.dice_smooth)?,
                LossTerm::CrossEntropy | LossTerm::L1 | LossTerm::Mse => {
                    let attrs = CrossEntropyAttrs { label_smoothing, class_weights: weights.as_ref() };
                    ops::cross_entropy(tape, logits, &targets.values, &targets.mask, attrs)?
                }
            };
            sum = Some(match sum {
                None => of_term,
                Some(sum) => ops::add(tape, &sum, &of_term)?,
            });
        }
        sum.ok_or_else(|| Error::shape("segmentation", "a loss of no term"))
    }
}
