//! Losses, similarity and scores of valid pixels by their definitions.

use meltcore::reference::masked_loss::*;
use meltcore::reference::masked_metrics::masked_metrics;
use meltcore::reference::masked_ssim::masked_ssim;
use meltcore::reference::masked_ssim_loss::{masked_ssim_loss, masked_ssim_loss_grad_pred};

use super::{Answers, Fixture, answer};

/// What the definitions say of a fixture.
pub(super) fn masked(f: &Fixture) -> Answers {
    let (pred, target, mask, shape) = (f.get("in.pred"), f.get("in.target"), f.get("in.mask"), f.shape("in.pred"));
    if f.op == "masked_ssim" {
        let range = f.numbers("data_range");
        return vec![answer("out.ssim", masked_ssim(pred, target, mask, shape, f.number("sigma"), [range[0], range[1]]))];
    }
    if f.op == "masked_ssim_loss" {
        let (sigma, range) = (f.number("sigma"), [f.numbers("data_range")[0], f.numbers("data_range")[1]]);
        let gradient = masked_ssim_loss_grad_pred(f.get("grad_out.loss")[0], pred, target, mask, shape, sigma, range);
        let loss = masked_ssim_loss(pred, target, mask, shape, sigma, range);
        return vec![answer("out.loss", vec![loss]), answer("grad.in.pred", gradient)];
    }
    if f.op == "masked_metrics" {
        let scores = masked_metrics(pred, target, mask, shape[0], f.number("threshold"));
        return vec![
            answer("out.mae", scores.mae),
            answer("out.mse", scores.mse),
            answer("out.accuracy", scores.accuracy),
            answer("out.precision", scores.precision),
            answer("out.recall", scores.recall),
            answer("out.f1", scores.f1),
            answer("out.r2", scores.r2),
            answer("out.valid_px", scores.valid_px),
        ];
    }
    let kind = match f.attrs["kind"].as_str().unwrap() {
        "l1" => LossKind::L1,
        "mse" => LossKind::Mse,
        "huber" => LossKind::Huber(f.number("delta")),
        "pinball" => LossKind::Pinball(f.number("quantile")),
        _ => LossKind::FocalL1(f.number("gamma")),
    };
    let reduction = match f.attrs["reduction"].as_str().unwrap() {
        "none" => Reduction::None,
        "mean" => Reduction::Mean,
        _ => Reduction::Sum,
    };
    let mut answers = vec![answer("out.loss", masked_loss(pred, target, mask, shape[0], kind, reduction))];
    if let Some(grad) = f.find("grad_out.loss") {
        answers.push(answer("grad.in.pred", masked_loss_grad_pred(grad, pred, target, mask, shape[0], kind, reduction)));
    }
    answers
}
