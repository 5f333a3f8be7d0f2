//! Gaussian blur as torchvision's: a normalised window of odd size, reflected borders that do not repeat the edge pixel.

use super::{Shape, at, count};

/// The normalised weights exp(−½ (x/σ)²) at x = −(k−1)/2 … (k−1)/2.
pub fn gaussian_window(kernel_size: usize, sigma: f64) -> Vec<f64> {
    let centre = (kernel_size - 1) as f64 / 2.0;
    let window: Vec<f64> = (0..kernel_size).map(|index| (-0.5 * ((index as f64 - centre) / sigma).powi(2)).exp()).collect();
    let sum: f64 = window.iter().sum();
    window.iter().map(|weight| weight / sum).collect()
}

/// The index inside `0..size` that `index` is mirrored to at the borders; the radius must be smaller than `size`.
pub fn reflect(index: isize, size: usize) -> usize {
    let last = size as isize - 1;
    (if index < 0 {
        -index
    } else if index > last {
        2 * last - index
    } else {
        index
    }) as usize
}

/// Blurs every plane; the radius kernel_size / 2 must be smaller than rows and columns.
pub fn gaussian_blur(input: &[f64], shape: Shape, kernel_size: usize, sigma: f64) -> Vec<f64> {
    let window = gaussian_window(kernel_size, sigma);
    let radius = (kernel_size / 2) as isize;
    let mut output = vec![0.0; count(shape)];
    for n in 0..shape[0] {
        for c in 0..shape[1] {
            // Rows first into a scratch plane, then columns: the window is a product of both.
            let mut along_rows = vec![0.0; shape[2] * shape[3]];
            for row in 0..shape[2] {
                for col in 0..shape[3] {
                    for tap in 0..kernel_size {
                        let source = reflect(col as isize + tap as isize - radius, shape[3]);
                        along_rows[row * shape[3] + col] += window[tap] * input[at(shape, n, c, row, source)];
                    }
                }
            }
            for row in 0..shape[2] {
                for col in 0..shape[3] {
                    for tap in 0..kernel_size {
                        let source = reflect(row as isize + tap as isize - radius, shape[2]);
                        output[at(shape, n, c, row, col)] += window[tap] * along_rows[source * shape[3] + col];
                    }
                }
            }
        }
    }
    output
}
