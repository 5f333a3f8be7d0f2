//! Cross entropy of class maps over the counted pixels of a batch, and its gradient.
//!
//! A pixel of class t has the loss Σ_c w_c·q_c·(−ln softmax_c), q_c = (1 − s)·[c = t] + s/classes. The mean is Σ loss / Σ w_t, 0 where
//! that sum is 0, as PyTorch's `cross_entropy` with `weight`, `label_smoothing` and `reduction="mean"`. What a target under the mask says
//! has no effect.

use super::Shape;

/// Weights of classes and the share s of every pixel's target that all classes divide.
#[derive(Clone, Debug, Default)]
pub struct CrossEntropyAttrs {
    /// From 0 to 1.
    pub label_smoothing: f64,
    /// One a class; `None`: all 1.
    pub class_weights: Option<Vec<f64>>,
}

impl CrossEntropyAttrs {
    fn weight(&self, class: usize) -> f64 {
        self.class_weights.as_ref().map_or(1.0, |weights| weights[class])
    }
}

/// Softmax over the classes at one pixel of `logits` `[n, classes, h, w]`.
pub fn softmax_at(logits: &[f64], shape: Shape, image: usize, row: usize, col: usize) -> Vec<f64> {
    let of_pixel: Vec<f64> = (0..shape[1]).map(|class| logits[super::at(shape, image, class, row, col)]).collect();
    let largest = of_pixel.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = of_pixel.iter().map(|logit| (logit - largest).exp()).sum();
    of_pixel.iter().map(|logit| (logit - largest).exp() / sum).collect()
}

/// Image, row, column and place in the mask of every pixel that counts.
pub fn counted(mask: &[f64], [n, _, h, w]: Shape) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..n * h * w).filter(|&at| mask[at] == 0.0).map(move |at| (at / (h * w), at / w % h, at % w, at))
}

/// The loss; `target` holds class numbers and mask is 1 where a pixel does not count, both `[n, 1, h, w]` for logits of `shape`.
pub fn cross_entropy(logits: &[f64], target: &[f64], mask: &[f64], shape: Shape, attrs: &CrossEntropyAttrs) -> f64 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (image, row, col, at) in counted(mask, shape) {
        for (class, p) in softmax_at(logits, shape, image, row, col).into_iter().enumerate() {
            let is_target = target[at] == class as f64;
            let wanted = attrs.label_smoothing / shape[1] as f64 + if is_target { 1.0 - attrs.label_smoothing } else { 0.0 };
            sum -= attrs.weight(class) * wanted * p.ln();
            weight += if is_target { attrs.weight(class) } else { 0.0 };
        }
    }
    if weight == 0.0 { 0.0 } else { sum / weight }
}

/// The gradient of the logits for an upstream gradient of the loss.
pub fn cross_entropy_grad_logits(
    grad_loss: f64,
    logits: &[f64],
    target: &[f64],
    mask: &[f64],
    shape: Shape,
    attrs: &CrossEntropyAttrs,
) -> Vec<f64> {
    let weights = counted(mask, shape).map(|(_, _, _, at)| attrs.weight(target[at] as usize));
    let weight: f64 = weights.sum();
    let mut grad_logits = vec![0.0; logits.len()];
    for (image, row, col, at) in counted(mask, shape) {
        let wanted = |class: usize| {
            let of_target = if target[at] == class as f64 { 1.0 - attrs.label_smoothing } else { 0.0 };
            attrs.weight(class) * (attrs.label_smoothing / shape[1] as f64 + of_target)
        };
        let all: f64 = (0..shape[1]).map(wanted).sum();
        for (class, p) in softmax_at(logits, shape, image, row, col).into_iter().enumerate() {
            let slope = if weight == 0.0 { 0.0 } else { (p * all - wanted(class)) / weight };
            grad_logits[super::at(shape, image, class, row, col)] = grad_loss * slope;
        }
    }
    grad_logits
}
