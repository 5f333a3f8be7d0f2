//! Losses and scores of class maps by their definitions.

use meltcore::reference::confidence::confidence;
use meltcore::reference::cross_entropy::{CrossEntropyAttrs, cross_entropy, cross_entropy_grad_logits};
use meltcore::reference::dice_loss::*;
use meltcore::reference::focal_loss::*;
use meltcore::reference::segmentation_scores::segmentation_scores;

use super::{Answers, Fixture, answer};

/// What the definitions say of a fixture.
pub(super) fn class_maps(f: &Fixture) -> Answers {
    let weights = || f.find("param.class_weights").map(<[f64]>::to_vec);
    let grad = f.find("grad_out.loss").map(|grad| grad[0]);
    let with_gradient = |loss: f64, name: &str, gradient: &dyn Fn(f64) -> Vec<f64>| {
        let mut answers = vec![answer("out.loss", vec![loss])];
        answers.extend(grad.map(|grad| answer(name, gradient(grad))));
        answers
    };
    match f.op.as_str() {
        "confidence" => vec![answer("out.confidence", confidence(f.get("in.probabilities"), f.shape("in.probabilities")))],
        "segmentation_scores" => {
            let scores = segmentation_scores(f.get("in.pred"), f.get("in.target"), f.get("in.mask"), f.size("classes"));
            vec![
                answer("out.confusion", scores.confusion),
                answer("out.iou", scores.iou),
                answer("out.f1", scores.f1),
                answer("out.accuracy", vec![scores.accuracy]),
            ]
        }
        "focal_loss" => {
            let (p, t, m, shape) = (f.get("in.probabilities"), f.get("in.target"), f.find("in.mask"), f.shape("in.probabilities"));
            let attrs = FocalLossAttrs { gamma: f.number("gamma"), label_smoothing: f.number("label_smoothing"), class_weights: weights() };
            let gradient = |grad| focal_loss_grad_probabilities(grad, p, t, m, shape, &attrs);
            with_gradient(focal_loss(p, t, m, shape, &attrs), "grad.in.probabilities", &gradient)
        }
        op => {
            let (x, t, m, shape) = (f.get("in.logits"), f.get("in.target"), f.get("in.mask"), f.shape("in.logits"));
            if op == "dice_loss" {
                let smooth = f.number("smooth");
                let gradient = |grad| dice_loss_grad_logits(grad, x, t, m, shape, smooth);
                return with_gradient(dice_loss(x, t, m, shape, smooth), "grad.in.logits", &gradient);
            }
            let attrs = CrossEntropyAttrs { label_smoothing: f.number("label_smoothing"), class_weights: weights() };
            let gradient = |grad| cross_entropy_grad_logits(grad, x, t, m, shape, &attrs);
            with_gradient(cross_entropy(x, t, m, shape, &attrs), "grad.in.logits", &gradient)
        }
    }
}
