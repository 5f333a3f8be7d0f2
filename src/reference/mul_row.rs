//! Planes times a number each.

/// Every plane times its number.
pub fn mul_row(x: &[f64], row: &[f64]) -> Vec<f64> {
    let plane = x.len() / row.len();
    x.iter().enumerate().map(|(i, x)| x * row[i / plane]).collect()
}

/// Gradient of the numbers: Σ over the plane of grad · x.
pub fn mul_row_grad_row(grad: &[f64], x: &[f64], rows: usize) -> Vec<f64> {
    let plane = x.len() / rows;
    (0..rows).map(|row| (0..plane).map(|i| grad[row * plane + i] * x[row * plane + i]).sum()).collect()
}
