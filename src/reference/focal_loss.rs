//! Focal loss (Lin et al. 2017) of probabilities against soft targets over the counted pixels of a batch, and its gradient.
//!
//! The mean over the counted pixels of Σ_c −w_c·y_c·(1 − p_c)^γ·ln p_c, p clipped to [1e-7, 1 − 1e-7] without a gradient outside, and
//! y = (1 − s)·target + s/classes; 0 where no pixel counts. All classes are summed, so a target of zeros costs nothing without smoothing.

use super::Shape;

/// Exponent, smoothing and weights.
#[derive(Clone, Debug, Default)]
pub struct FocalLossAttrs {
    /// γ, 0 or above; 0 leaves the cross entropy.
    pub gamma: f64,
    /// Share s of the target that all classes divide, from 0 to 1.
    pub label_smoothing: f64,
    /// One a class; `None`: all 1.
    pub class_weights: Option<Vec<f64>>,
}

/// Bounds of the probabilities whose logarithm is taken.
const BOUNDS: [f64; 2] = [1e-7, 1.0 - 1e-7];

/// The weight of a class times what is wanted of it.
fn wanted(target: f64, class: usize, classes: usize, attrs: &FocalLossAttrs) -> f64 {
    let weight = attrs.class_weights.as_ref().map_or(1.0, |weights| weights[class]);
    weight * ((1.0 - attrs.label_smoothing) * target + attrs.label_smoothing / classes as f64)
}

/// Places in the maps, with their classes, of all that counts; and the number of pixels that do.
fn counted(mask: Option<&[f64]>, shape: Shape) -> (Vec<(usize, usize)>, f64) {
    let [n, classes, h, w] = shape;
    let pixels: Vec<usize> = (0..n * h * w).filter(|&at| mask.is_none_or(|mask| mask[at] == 0.0)).collect();
    let of_pixel = |at: usize| (0..classes).map(move |class| (super::at(shape, at / (h * w), class, at / w % h, at % w), class));
    (pixels.iter().copied().flat_map(of_pixel).collect(), pixels.len() as f64)
}

/// The loss; target as the probabilities `[n, classes, h, w]`, mask `[n, 1, h, w]` 1 where a pixel does not count.
pub fn focal_loss(probabilities: &[f64], target: &[f64], mask: Option<&[f64]>, shape: Shape, attrs: &FocalLossAttrs) -> f64 {
    let (places, pixels) = counted(mask, shape);
    let terms = places.iter().map(|&(at, class)| {
        let p = probabilities[at].clamp(BOUNDS[0], BOUNDS[1]);
        -wanted(target[at], class, shape[1], attrs) * (1.0 - p).powf(attrs.gamma) * p.ln()
    });
    terms.sum::<f64>() / pixels.max(1.0)
}

/// The gradient of the probabilities for an upstream gradient of the loss.
pub fn focal_loss_grad_probabilities(
    grad_loss: f64,
    probabilities: &[f64],
    target: &[f64],
    mask: Option<&[f64]>,
    shape: Shape,
    attrs: &FocalLossAttrs,
) -> Vec<f64> {
    let (places, pixels) = counted(mask, shape);
    let mut grad_probabilities = vec![0.0; probabilities.len()];
    for (at, class) in places {
        let p = probabilities[at];
        if (BOUNDS[0]..=BOUNDS[1]).contains(&p) {
            let slope = attrs.gamma * (1.0 - p).powf(attrs.gamma - 1.0) * p.ln() - (1.0 - p).powf(attrs.gamma) / p;
            grad_probabilities[at] = grad_loss * wanted(target[at], class, shape[1], attrs) * slope / pixels;
        }
    }
    grad_probabilities
}
