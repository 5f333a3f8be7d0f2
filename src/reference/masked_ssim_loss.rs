//! One minus the mean SSIM of a batch's images, and its gradient window by window.
//!
//! A pixel p inside the frame that counts has similarity s(p), a function of the moments of its window; those are sums over the window, so
//! that each pixel q of it gets w(q − p) times the slope of the moment and of what q adds to that. No gradient flows where the prediction
//! is outside of the data range or masked, nor through a variance below 0.

use super::gaussian_blur::gaussian_window;
use super::masked_ssim::masked_ssim;
use super::{Shape, at};

/// The loss.
pub fn masked_ssim_loss(pred: &[f64], target: &[f64], mask: &[f64], shape: Shape, sigma: f64, data_range: [f64; 2]) -> f64 {
    1.0 - masked_ssim(pred, target, mask, shape, sigma, data_range).iter().sum::<f64>() / shape[0] as f64
}

/// The gradient of the prediction for an upstream gradient.
pub fn masked_ssim_loss_grad_pred(
    grad_loss: f64,
    pred: &[f64],
    target: &[f64],
    mask: &[f64],
    shape: Shape,
    sigma: f64,
    [low, high]: [f64; 2],
) -> Vec<f64> {
    let radius = (3.5 * sigma + 0.5) as usize;
    let mut grad_pred = vec![0.0; pred.len()];
    if shape[2] <= 2 * radius || shape[3] <= 2 * radius {
        return grad_pred;
    }
    let window = gaussian_window(2 * radius + 1, sigma);
    let (c1, c2) = ((0.01 * (high - low)).powi(2), (0.03 * (high - low)).powi(2));
    let prepared = |image: &[f64], q: usize| if mask[q] != 0.0 { 0.0 } else { image[q] }.clamp(low, high);
    for n in 0..shape[0] {
        let inside = |c: usize| {
            let cols = move |row: usize| (radius..shape[3] - radius).map(move |col| (c, row, col));
            (radius..shape[2] - radius).flat_map(cols)
        };
        let counted: Vec<_> = (0..shape[1]).flat_map(inside).filter(|&(c, row, col)| mask[at(shape, n, c, row, col)] == 0.0).collect();
        for &(c, row, col) in &counted {
            let taps = || (0..2 * radius + 1).flat_map(|i| (0..2 * radius + 1).map(move |j| (i, j)));
            let place = |(i, j): (usize, usize)| at(shape, n, c, row + i - radius, col + j - radius);
            let mean = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
                taps().map(|tap| window[tap.0] * window[tap.1] * of(prepared(pred, place(tap)), prepared(target, place(tap)))).sum()
            };
            let (x, y) = (mean(&|a, _| a), mean(&|_, b| b));
            let (variance, other) = (mean(&|a, _| a * a) - x * x, mean(&|_, b| b * b) - y * y);
            let (l1, l2) = (2.0 * x * y + c1, 2.0 * (mean(&|a, b| a * b) - x * y) + c2);
            let (m1, m2) = (x * x + y * y + c1, variance.max(0.0) + other.max(0.0) + c2);
            let similarity = l1 * l2 / (m1 * m2);
            let of_square = if variance >= 0.0 { -similarity / m2 } else { 0.0 };
            let of_product = 2.0 * l1 / (m1 * m2);
            let of_mean = 2.0 * y * l2 / (m1 * m2) - 2.0 * similarity * x / m1 - 2.0 * x * of_square - y * of_product;
            let share = -grad_loss / (shape[0] * counted.len()) as f64;
            for tap in taps() {
                let q = place(tap);
                if mask[q] == 0.0 && (low..=high).contains(&pred[q]) {
                    let slope = of_mean + 2.0 * pred[q] * of_square + prepared(target, q) * of_product;
                    grad_pred[q] += share * window[tap.0] * window[tap.1] * slope;
                }
            }
        }
    }
    grad_pred
}
