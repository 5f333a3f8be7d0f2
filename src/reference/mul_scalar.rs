//! A tensor times a number; the gradient is the upstream one times that number.

/// factor · x.
pub fn mul_scalar(x: &[f64], factor: f64) -> Vec<f64> {
    x.iter().map(|x| factor * x).collect()
}
