//! Clipping by the norm of all gradients together, as PyTorch's `clip_grad_norm_`.

/// Scales all gradients by min(1, max_norm / (total + 1e-6)); returns them with the norm before clipping.
pub fn clip_grad_norm(gradients: &[Vec<f64>], max_norm: f64) -> (Vec<Vec<f64>>, f64) {
    let total = gradients.iter().flatten().map(|value| value * value).sum::<f64>().sqrt();
    let factor = (max_norm / (total + 1e-6)).min(1.0);
    let clipped = gradients.iter().map(|gradient| gradient.iter().map(|value| value * factor).collect()).collect();
    (clipped, total)
}
