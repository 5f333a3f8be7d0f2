//! Rows and columns of every image exchanged.

/// output[image, col, row, i] = x[image, row, col, i], runs of `run` elements.
pub fn transpose(x: &[f64], [images, rows, cols, run]: [usize; 4]) -> Vec<f64> {
    let mut output = vec![0.0; x.len()];
    for image in 0..images {
        for row in 0..rows {
            for col in 0..cols {
                for i in 0..run {
                    output[((image * cols + col) * rows + row) * run + i] = x[((image * rows + row) * cols + col) * run + i];
                }
            }
        }
    }
    output
}
