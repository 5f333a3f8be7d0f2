//! Rows of length 1: y = x / max(‖x‖₂, eps). As `torch.nn.functional.normalize` over the last axis.

/// Rows of `c` values, divided by their lengths.
pub fn normalize(input: &[f64], c: usize, eps: f64) -> Vec<f64> {
    input.chunks(c).flat_map(|x| x.iter().map(|x_i| x_i / length(x).max(eps)).collect::<Vec<_>>()).collect()
}

/// The gradient of the input: (dy − y · Σ dy · y) / ‖x‖, and dy / eps for rows that are not longer than eps.
pub fn normalize_grad_input(grad_output: &[f64], input: &[f64], c: usize, eps: f64) -> Vec<f64> {
    let mut grad_input = Vec::new();
    for (dy, x) in grad_output.chunks(c).zip(input.chunks(c)) {
        let length = length(x);
        let along = if length > eps { (0..c).map(|i| dy[i] * x[i] / length).sum::<f64>() } else { 0.0 };
        grad_input.extend((0..c).map(|i| (dy[i] - along * x[i] / length.max(eps)) / length.max(eps)));
    }
    grad_input
}

/// ‖x‖₂.
fn length(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}
