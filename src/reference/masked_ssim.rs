//! Structural similarity of two maps, averaged over the valid pixels away from the border (Wang et al. 2004; torchmetrics' windows).
//!
//! Both images are set to 0 under the mask and clamped to the data range. With Gaussian means μ, variances σ² (at least 0) and
//! covariance, SSIM = (2 μp μt + c1)(2 σpt + c2) / ((μp² + μt² + c1)(σp² + σt² + c2)), c1 = (0.01 L)², c2 = (0.03 L)², L the range's
//! length. The window's radius is ⌊3.5 σ + ½⌋, and a frame of that width is left out of the mean.

use super::{Shape, at, gaussian_blur::gaussian_blur};

/// One value per image; 0 where no valid pixel lies inside the frame.
pub fn masked_ssim(pred: &[f64], target: &[f64], mask: &[f64], shape: Shape, sigma: f64, data_range: [f64; 2]) -> Vec<f64> {
    let radius = (3.5 * sigma + 0.5) as usize;
    if shape[2] <= 2 * radius || shape[3] <= 2 * radius {
        return vec![0.0; shape[0]];
    }
    let prepare = |image: &[f64]| -> Vec<f64> {
        let zeroed = image.iter().zip(mask).map(|(&value, &invalid)| if invalid != 0.0 { 0.0 } else { value });
        zeroed.map(|value| value.clamp(data_range[0], data_range[1])).collect()
    };
    let (pred, target) = (prepare(pred), prepare(target));
    let product = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let blur = |image: &[f64]| gaussian_blur(image, shape, 2 * radius + 1, sigma);
    let (mean_p, mean_t) = (blur(&pred), blur(&target));
    let (square_p, square_t, cross) = (blur(&product(&pred, &pred)), blur(&product(&target, &target)), blur(&product(&pred, &target)));

    let range = data_range[1] - data_range[0];
    let (c1, c2) = ((0.01 * range).powi(2), (0.03 * range).powi(2));
    let similarity = |i: usize| {
        let variance_p = (square_p[i] - mean_p[i] * mean_p[i]).max(0.0);
        let variance_t = (square_t[i] - mean_t[i] * mean_t[i]).max(0.0);
        let covariance = cross[i] - mean_p[i] * mean_t[i];
        let above = (2.0 * mean_p[i] * mean_t[i] + c1) * (2.0 * covariance + c2);
        above / ((mean_p[i].powi(2) + mean_t[i].powi(2) + c1) * (variance_p + variance_t + c2))
    };

    let mut scores = Vec::new();
    for n in 0..shape[0] {
        let (mut sum, mut valid) = (0.0, 0.0);
        for c in 0..shape[1] {
            for row in radius..shape[2] - radius {
                for col in radius..shape[3] - radius {
                    let position = at(shape, n, c, row, col);
                    if mask[position] == 0.0 {
                        sum += similarity(position);
                        valid += 1.0;
                    }
                }
            }
        }
        scores.push(if valid > 0.0 { sum / valid } else { 0.0 });
    }
    scores
}
