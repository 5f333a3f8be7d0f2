//! Dice loss of class maps over the counted pixels of a batch, and its gradient.
//!
//! The mean over all classes of 1 − (2·Σ p·t + smooth) / (Σ p² + Σ t² + smooth), p = softmax of the logits, t the one-hot target (Milletari
//! et al. 2016, with squares below). A class that neither map has counts, too.

use super::Shape;
use super::cross_entropy::{counted, softmax_at};

/// Of each class Σ p·t, Σ p², Σ t².
fn sums(logits: &[f64], target: &[f64], mask: &[f64], shape: Shape) -> Vec<[f64; 3]> {
    let mut sums = vec![[0.0; 3]; shape[1]];
    for (image, row, col, at) in counted(mask, shape) {
        for (class, p) in softmax_at(logits, shape, image, row, col).into_iter().enumerate() {
            let t = if target[at] == class as f64 { 1.0 } else { 0.0 };
            sums[class][0] += p * t;
            sums[class][1] += p * p;
            sums[class][2] += t * t;
        }
    }
    sums
}

/// The loss; `target` holds class numbers and mask is 1 where a pixel does not count, both `[n, 1, h, w]` for logits of `shape`.
pub fn dice_loss(logits: &[f64], target: &[f64], mask: &[f64], shape: Shape, smooth: f64) -> f64 {
    let terms = sums(logits, target, mask, shape);
    let terms = terms.iter().map(|[both, squares, wanted]| 1.0 - (2.0 * both + smooth) / (squares + wanted + smooth));
    terms.sum::<f64>() / shape[1] as f64
}

/// The gradient of the logits for an upstream gradient of the loss.
pub fn dice_loss_grad_logits(grad_loss: f64, logits: &[f64], target: &[f64], mask: &[f64], shape: Shape, smooth: f64) -> Vec<f64> {
    let sums = sums(logits, target, mask, shape);
    let mut grad_logits = vec![0.0; logits.len()];
    for (image, row, col, at) in counted(mask, shape) {
        let p = softmax_at(logits, shape, image, row, col);
        // ∂loss/∂p of each class by the quotient's rule, then softmax's own.
        let slopes: Vec<f64> = (0..shape[1])
            .map(|class| {
                let t = if target[at] == class as f64 { 1.0 } else { 0.0 };
                let [both, squares, wanted] = sums[class];
                let (above, below) = (2.0 * both + smooth, squares + wanted + smooth);
                -(2.0 * t * below - above * 2.0 * p[class]) / (below * below) / shape[1] as f64
            })
            .collect();
        let mean: f64 = p.iter().zip(&slopes).map(|(p, slope)| p * slope).sum();
        for class in 0..shape[1] {
            grad_logits[super::at(shape, image, class, row, col)] = grad_loss * p[class] * (slopes[class] - mean);
        }
    }
    grad_logits
}
