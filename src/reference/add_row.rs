//! Numbers that are added to planes, and arrays that are added to every image.

/// x + row, the row's number at all `plane` elements that belong to it, and from the beginning again behind its last one.
pub fn add_row(x: &[f64], row: &[f64], plane: usize) -> Vec<f64> {
    x.iter().enumerate().map(|(i, x)| x + row[i / plane % row.len()]).collect()
}

/// Gradient of the row: the sum over everything that a number was added to.
pub fn add_row_grad_row(grad: &[f64], rows: usize, plane: usize) -> Vec<f64> {
    let mut sums = vec![0.0; rows];
    grad.iter().enumerate().for_each(|(i, grad)| sums[i / plane % rows] += grad);
    sums
}
