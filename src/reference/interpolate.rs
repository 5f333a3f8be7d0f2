//! Resizing as PyTorch's `interpolate`, modes nearest and bilinear, and its gradient.
//!
//! nearest: `output[r] = input[⌊r · scale⌋]`. bilinear: the source coordinate is r · (h_in − 1) / (h_out − 1) where corners are aligned,
//! else max((r + ½) · scale − ½, 0); the two nearest elements are mixed linearly. scale is 1 / scale_factor where a factor is given,
//! else h_in / h_out. Columns likewise.

use super::{Shape, at, count};

/// How a source coordinate becomes a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InterpolateMode {
    /// The element at the coordinate rounded down.
    Nearest,
    /// The two nearest elements of each axis, mixed linearly.
    Bilinear {
        /// The outermost elements of input and output lie on each other.
        align_corners: bool,
    },
}

/// The output's size: rows and columns, or a factor for both (rounded down).
#[derive(Clone, Copy, Debug)]
pub enum InterpolateSize {
    /// Rows and columns.
    Size([usize; 2]),
    /// Output elements an input element.
    ScaleFactor(f64),
}

/// The output's shape for an input of `shape`.
pub fn interpolate_output_shape(shape: Shape, size: InterpolateSize) -> Shape {
    match size {
        InterpolateSize::Size([rows, cols]) => [shape[0], shape[1], rows, cols],
        InterpolateSize::ScaleFactor(factor) => {
            let scaled = |input: usize| (input as f64 * factor).floor() as usize;
            [shape[0], shape[1], scaled(shape[2]), scaled(shape[3])]
        }
    }
}

/// The source elements of output index `index` along one axis with their weights.
fn sources(index: usize, input: usize, output: usize, mode: InterpolateMode, size: InterpolateSize) -> [(usize, f64); 2] {
    let scale = match size {
        InterpolateSize::Size(_) => input as f64 / output as f64,
        InterpolateSize::ScaleFactor(factor) => 1.0 / factor,
    };
    let coordinate = match mode {
        InterpolateMode::Nearest => return [(nearest_source(index, input, output, scale), 1.0), (0, 0.0)],
        InterpolateMode::Bilinear { align_corners: true } if output == 1 => 0.0,
        InterpolateMode::Bilinear { align_corners: true } => index as f64 * (input - 1) as f64 / (output - 1) as f64,
        InterpolateMode::Bilinear { align_corners: false } => ((index as f64 + 0.5) * scale - 0.5).max(0.0),
    };
    let low = (coordinate.floor() as usize).min(input - 1);
    let high = (low + 1).min(input - 1);
    let fraction = (coordinate - low as f64).min(1.0);
    [(low, 1.0 - fraction), (high, fraction)]
}

/// ⌊index · scale⌋ in float32, as PyTorch computes it whatever the tensor's type: where the product should be whole, rounding decides.
fn nearest_source(index: usize, input: usize, output: usize, scale: f64) -> usize {
    if output == input {
        return index;
    }
    if output == 2 * input {
        return index / 2;
    }
    ((index as f32 * scale as f32).floor() as usize).min(input - 1)
}

/// Calls `visit(output, input, weight)` for every contribution of an input element to an output element.
fn for_each_contribution(shape: Shape, mode: InterpolateMode, size: InterpolateSize, mut visit: impl FnMut(usize, usize, f64)) {
    let output_shape = interpolate_output_shape(shape, size);
    for n in 0..shape[0] {
        for c in 0..shape[1] {
            for row in 0..output_shape[2] {
                for col in 0..output_shape[3] {
                    for (row_in, row_weight) in sources(row, shape[2], output_shape[2], mode, size) {
                        for (col_in, col_weight) in sources(col, shape[3], output_shape[3], mode, size) {
                            visit(at(output_shape, n, c, row, col), at(shape, n, c, row_in, col_in), row_weight * col_weight);
                        }
                    }
                }
            }
        }
    }
}

/// The resized tensor and its shape.
pub fn interpolate(input: &[f64], shape: Shape, mode: InterpolateMode, size: InterpolateSize) -> (Vec<f64>, Shape) {
    let output_shape = interpolate_output_shape(shape, size);
    let mut output = vec![0.0; count(output_shape)];
    for_each_contribution(shape, mode, size, |o, i, weight| output[o] += weight * input[i]);
    (output, output_shape)
}

/// The gradient of the input of `shape`.
pub fn interpolate_grad_input(grad_output: &[f64], shape: Shape, mode: InterpolateMode, size: InterpolateSize) -> Vec<f64> {
    let mut grad_input = vec![0.0; count(shape)];
    for_each_contribution(shape, mode, size, |o, i, weight| grad_input[i] += weight * grad_output[o]);
    grad_input
}
