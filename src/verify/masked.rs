//! Replays of what looks at valid pixels only (loss, SSIM, scores), and of the blur.

use crate::autograd::Tape;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels;
use crate::kernels::masked_metrics::Scores;
use crate::ops::{self, LossKind, Reduction};
use crate::tensor::Tensor;
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] = &[
    ("gaussian_blur", gaussian_blur),
    ("masked_loss", masked_loss),
    ("masked_metrics", masked_metrics),
    ("masked_ssim", masked_ssim),
    ("masked_ssim_loss", masked_ssim_loss),
];

fn masked_loss(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let kind = match case.attr_str("kind")?.as_str() {
        "l1" => LossKind::L1,
        "mse" => LossKind::Mse,
        "huber" => LossKind::Huber(case.attr_f64("delta")?),
        "focal_l1" => LossKind::FocalL1(case.attr_f64("gamma")?),
        "pinball" => LossKind::Pinball(case.attr_f64("quantile")?),
        other => return Err(case.malformed(format!("`kind` is `{other}`; l1, mse, huber, focal_l1 or pinball was expected"))),
    };
    let reduction = match case.attr_str("reduction")?.as_str() {
        "none" => Reduction::None,
        "mean" => Reduction::Mean,
        "sum" => Reduction::Sum,
        other => return Err(case.malformed(format!("`reduction` is `{other}`; none, mean or sum was expected"))),
    };
    let pred = case.input(gpu, "pred")?;
    let tape = Tape::recording();
    tape.watch(&pred);
    let loss = ops::masked_loss(&tape, &pred, &case.input(gpu, "target")?, &case.input(gpu, "mask")?, kind, reduction)?;
    of_loss(case, gpu, tape, &pred, &loss)
}

/// A loss, and what flows from it to the prediction.
fn of_loss(case: &Case, gpu: &Gpu, tape: Tape, pred: &Tensor, loss: &Tensor) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.output("loss", loss)?;
    if let Some(grad) = case.grad_output(gpu, "loss")? {
        // A scalar may be stored with shape [1].
        let gradients = tape.backward(&[(loss, grad.reshaped(loss.shape())?)])?;
        outcome.grad_input("pred", gradients.get(pred))?;
    }
    Ok(outcome)
}

fn gaussian_blur(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let input = case.input(gpu, "x")?;
    let mut outcome = Outcome::default();
    outcome.output("y", &kernels::gaussian_blur::gaussian_blur(&input, case.attr_usize("kernel_size")?, case.attr_f64("sigma")?)?)?;
    Ok(outcome)
}

fn data_range(case: &Case) -> Result<[f64; 2]> {
    case.attr_list("data_range")?.try_into().map_err(|_| case.malformed("`data_range` is not a list of two numbers"))
}

fn masked_ssim_loss(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (pred, target, mask) = (case.input(gpu, "pred")?, case.input(gpu, "target")?, case.input(gpu, "mask")?);
    let tape = Tape::recording();
    tape.watch(&pred);
    let loss = ops::masked_ssim_loss(&tape, &pred, &target, &mask, case.attr_f64("sigma")?, data_range(case)?)?;
    of_loss(case, gpu, tape, &pred, &loss)
}

fn masked_ssim(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (pred, target, mask) = (case.input(gpu, "pred")?, case.input(gpu, "target")?, case.input(gpu, "mask")?);
    let scores = kernels::masked_ssim::masked_ssim(&pred, &target, &mask, case.attr_f64("sigma")?, data_range(case)?)?;
    let mut outcome = Outcome::default();
    outcome.host("ssim", scores.iter().map(|&s| s as f32).collect());
    Ok(outcome)
}

fn masked_metrics(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let (pred, target, mask) = (case.input(gpu, "pred")?, case.input(gpu, "target")?, case.input(gpu, "mask")?);
    let sums = kernels::masked_metrics::masked_metrics(&pred, &target, &mask, case.attr_f64("threshold")?)?;
    let scores: Vec<Scores> = sums.iter().map(|s| s.scores()).collect();
    let mut outcome = Outcome::default();
    let mut give = |name: &str, score: fn(&Scores) -> f64| outcome.host(name, scores.iter().map(|s| score(s) as f32).collect());
    give("mae", |s| s.mae);
    give("mse", |s| s.mse);
    give("rmse", |s| s.rmse);
    give("r2", |s| s.r2);
    give("accuracy", |s| s.accuracy);
    give("precision", |s| s.precision);
    give("recall", |s| s.recall);
    give("f1", |s| s.f1);
    give("valid_px", |s| s.valid_px as f64);
    Ok(outcome)
}
