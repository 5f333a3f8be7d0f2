//! How sure a network is of a pixel's class.

use super::Shape;

/// 1 − H / ln classes with H = −Σ_c q_c·ln q_c and q = p clipped to [1e-6, 1 − 1e-6], for every pixel of probabilities
/// `[n, classes, h, w]`.
pub fn confidence(probabilities: &[f64], shape: Shape) -> Vec<f64> {
    let [n, classes, h, w] = shape;
    let of_pixel = |at: usize| {
        let clipped =
            (0..classes).map(|class| probabilities[super::at(shape, at / (h * w), class, at / w % h, at % w)].clamp(1e-6, 1.0 - 1e-6));
        1.0 + clipped.map(|q| q * q.ln()).sum::<f64>() / (classes as f64).ln()
    };
    (0..n * h * w).map(of_pixel).collect()
}
