//! Replays of the losses of class maps, of their scores and of their confidence.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels;
use crate::ops::{self, CrossEntropyAttrs, FocalLossAttrs};
use crate::tensor::Tensor;
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[
    ("confidence", confidence),
    ("cross_entropy", cross_entropy),
    ("dice_loss", dice_loss),
    ("focal_loss", focal_loss),
    ("segmentation_scores", segmentation_scores),
];

/// The loss of the input `name`, and its gradient where the case has one.
fn loss_of(gpu: &Gpu, case: &Case, name: &str, loss: impl FnOnce(&Tape, &Tensor) -> Result<Tensor>) -> Result<Outcome> {
    let input = case.input(gpu, name)?;
    let tape = Tape::recording();
    tape.watch(&input);
    let loss = loss(&tape, &input)?;
    let mut outcome = Outcome::default();
    outcome.output("loss", &loss)?;
    if let Some(grad) = case.grad_output(gpu, "loss")? {
        let gradients = tape.backward(&[(&loss, grad.reshaped(loss.shape())?)])?;
        outcome.grad_input(name, gradients.get(&input))?;
    }
    Ok(outcome)
}

/// Numbers of classes `[n, h, w]` and the mask, both as `[n, 1, h, w]`.
fn target_and_mask(gpu: &Gpu, case: &Case) -> Result<[Tensor; 2]> {
    let mask = case.input(gpu, "mask")?;
    Ok([case.input(gpu, "target")?.reshaped(mask.shape())?, mask])
}

/// Weights `param.class_weights`, where the case has them.
fn class_weights(gpu: &Gpu, case: &Case) -> Result<Option<Tensor>> {
    case.optional_param(gpu, "class_weights")
}

fn cross_entropy(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    if case.attr_str("reduction")? != "mean" {
        return Err(case.malformed("`reduction` must be mean"));
    }
    let ([target, mask], weights) = (target_and_mask(gpu, case)?, class_weights(gpu, case)?);
    let attrs = CrossEntropyAttrs { label_smoothing: case.attr_f64("label_smoothing")?, class_weights: weights.as_ref() };
    loss_of(gpu, case, "logits", |tape, logits| ops::cross_entropy(tape, logits, &target, &mask, attrs))
}

fn dice_loss(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let ([target, mask], smooth) = (target_and_mask(gpu, case)?, case.attr_f64("smooth")?);
    loss_of(gpu, case, "logits", |tape, logits| ops::dice_loss(tape, logits, &target, &mask, smooth))
}

fn focal_loss(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (target, weights) = (case.input(gpu, "target")?, class_weights(gpu, case)?);
    let mask = if case.names("in.").contains(&"in.mask") { Some(case.input(gpu, "mask")?) } else { None };
    let (gamma, label_smoothing) = (case.attr_f64("gamma")?, case.attr_f64("label_smoothing")?);
    let attrs = FocalLossAttrs { gamma, label_smoothing, class_weights: weights.as_ref() };
    loss_of(gpu, case, "probabilities", |tape, probabilities| ops::focal_loss(tape, probabilities, &target, mask.as_ref(), attrs))
}

fn segmentation_scores(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (pred, target, mask) = (case.input(gpu, "pred")?, case.input(gpu, "target")?, case.input(gpu, "mask")?);
    let confusion = kernels::segmentation_scores::segmentation_scores(&pred, &target, &mask, case.attr_usize("classes")?)?;
    let narrow = |scores: Vec<f64>| scores.iter().map(|&score| score as f32).collect();
    let mut outcome = Outcome::default();
    outcome.host("confusion", confusion.counts.iter().flatten().map(|&count| count as f32).collect());
    outcome.host("iou", narrow(confusion.iou()));
    outcome.host("f1", narrow(confusion.f1()));
    outcome.host("accuracy", vec![confusion.accuracy() as f32]);
    Ok(outcome)
}

fn confidence(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.output("confidence", &kernels::confidence::confidence(&case.input(gpu, "probabilities")?)?)?;
    Ok(outcome)
}
