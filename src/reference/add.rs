//! The sum of two tensors of one shape; the gradient of both is the upstream one.

/// a + b.
pub fn add(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}
