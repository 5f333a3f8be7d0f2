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
    /// Share that the other classes get, in cross entropy alone.
    smoothing_of_others: f64,
    /// Weight of the central half beside the whole; 0: not looked at.
    centre_weight: f64,
    class_weights: Vec<f32>,
}

impl Default for Loss {
    /// Cross entropy as it is.
    fn default() -> Self {
        Loss {
            terms: vec![LossTerm::CrossEntropy],
            gamma: 2.0,
            dice_smooth: 1.0,
            label_smoothing: 0.0,
            smoothing_of_others: 0.0,
            centre_weight: 0.0,
            class_weights: Vec::new(),
        }
    }
}

impl Loss {
    pub(super) fn of(config: &Config) -> Loss {
        Loss {
            terms: config.loss_function.0.clone(),
            gamma: config.focal_gamma,
            dice_smooth: config.dice_smooth,
            label_smoothing: config.label_smoothing,
            smoothing_of_others: config.label_smoothing_others,
            centre_weight: config.centre_weight,
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

    /// (1 − w)·L(all) + w·L(central half), w the weight of the centre.
    fn of_map(&self, tape: &Tape, logits: &Tensor, targets: &Targets, everywhere: bool) -> Result<Tensor> {
        let whole = || self.of_pixels(tape, logits, targets, (!everywhere).then_some(&targets.mask));
        let weight = self.centre_weight as f32;
        if weight == 0.0 {
            return whole();
        }
        // Whatever is not 0 in a mask counts nowhere.
        let outside = outside_of_centre(&targets.mask)?;
        let mask = if everywhere { outside } else { ops::add(&Tape::off(), &targets.mask, &outside)? };
        let centre = ops::mul_scalar(tape, &self.of_pixels(tape, logits, targets, Some(&mask))?, weight)?;
        if weight == 1.0 {
            return Ok(centre);
        }
        ops::add(tape, &ops::mul_scalar(tape, &whole()?, 1.0 - weight)?, &centre)
    }

    /// The loss of the pixels that a mask lets count; without one the focal loss counts those without a class, too.
    fn of_pixels(&self, tape: &Tape, logits: &Tensor, targets: &Targets, mask: Option<&Tensor>) -> Result<Tensor> {
        let weights = match self.class_weights.as_slice() {
            [] => None,
            weights => Some(Tensor::from_slice(logits.gpu(), [weights.len()], weights)?),
        };
        let smoothed = |share: f64| if tape.tracks(logits) { share } else { 0.0 };
        let (label_smoothing, counted) = (smoothed(self.label_smoothing), mask.unwrap_or(&targets.mask));
        let mut sum: Option<Tensor> = None;
        for term in &self.terms {
            let of_term = match term {
                LossTerm::Focal => {
                    let one_hot = targets.one_hot.as_ref().ok_or_else(|| Error::shape("segmentation", "targets without classes"))?;
                    let probabilities = ops::softmax(tape, logits, 1)?;
                    let attrs = FocalLossAttrs { gamma: self.gamma, label_smoothing, class_weights: weights.as_ref() };
                    ops::focal_loss(tape, &probabilities, one_hot, mask, attrs)?
                }
                LossTerm::Dice => ops::dice_loss(tape, logits, &targets.values, counted, self.dice_smooth)?,
                // Errors of quantities are no loss of classes, which the configuration has seen to.
                LossTerm::CrossEntropy
                | LossTerm::L1
                | LossTerm::Mse
                | LossTerm::Huber
                | LossTerm::FocalL1
                | LossTerm::L1Ssim
                | LossTerm::Pinball => {
                    // Shared out among all classes, s·classes / (classes − 1) leaves each of the others s / (classes − 1).
                    let classes = logits.nchw("segmentation")?[1] as f64;
                    let label_smoothing = label_smoothing + smoothed(self.smoothing_of_others * classes / (classes - 1.0).max(1.0));
                    let attrs = CrossEntropyAttrs { label_smoothing, class_weights: weights.as_ref() };
                    ops::cross_entropy(tape, logits, &targets.values, counted, attrs)?
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

/// 1 outside the central half of rows and columns, else 0, of the mask's shape; of odd sides the half is the smaller one.
fn outside_of_centre(mask: &Tensor) -> Result<Tensor> {
    let [n, _, height, width] = mask.nchw("segmentation")?;
    let is_inside = |at: usize, side: usize| ((side - side / 2) / 2..(side - side / 2) / 2 + side / 2).contains(&at);
    let of_pixel = |at: usize| f32::from(!(is_inside(at / width, height) && is_inside(at % width, width)));
    let plane: Vec<f32> = (0..height * width).map(of_pixel).collect();
    match mask.gpu().is_planner() {
        true => Tensor::empty(mask.gpu(), mask.shape()),
        false => Tensor::from_slice(mask.gpu(), mask.shape().clone(), &plane.repeat(n)),
    }
}
