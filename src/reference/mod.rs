//! The meaning of every op: naive f64 loops over NCHW slices, written to be read and checked, never to be fast.
//!
//! One file per stem family; a function carries its stem's name, so that searching for a stem shows the kernel, its launcher and its
//! meaning together. Where PyTorch defines an op, these functions follow PyTorch, and `tests/reference_fixtures.rs` proves it with
//! fixtures that PyTorch made. Tests compare every device's kernels with them, and `bench` checks with them what it then times.
//!
//! Methods that are no ops (mosaics, the baselines without a network, scores over groups of days) have their naive forms here, too.
//!
//! Gradients take the gradient of the output first, then the forward's arguments, and return the gradient of what they name. Nothing here
//! checks its arguments: slices that do not have the length that their shape says panic, or give nonsense.
// Index loops are the notation of the formulas, and the arguments are those of the ops.
#![allow(clippy::needless_range_loop, clippy::too_many_arguments)]

pub mod activations;
pub mod adaptive_avg_pool2d;
pub mod add;
pub mod batch_norm;
pub mod cat;
pub mod conv2d;
pub mod conv_transpose2d;
pub mod depthwise_conv2d;
pub mod dropout;
pub mod gaussian_blur;
pub mod gradient_clipping;
pub mod interpolate;
pub mod interpolate_mar;
pub mod lr_schedule;
pub mod masked_loss;
pub mod masked_metrics;
pub mod masked_ssim;
pub mod max_pool2d;
pub mod mosaic;
pub mod optimizers;
pub mod pad;
pub mod scene_groups;
pub mod threshold_pmw;
pub mod time_interpolate_sar;

/// Batch, channels, rows, columns.
pub type Shape = [usize; 4];

/// The number of elements of `shape`.
pub fn count(shape: Shape) -> usize {
    shape.iter().product()
}

/// The position of one element in the flat slice of a tensor of `shape`.
pub fn at(shape: Shape, n: usize, c: usize, row: usize, col: usize) -> usize {
    ((n * shape[1] + c) * shape[2] + row) * shape[3] + col
}

/// Batch, channel, row and column of an element by its position in the flat slice: the inverse of [`at`].
pub fn place(shape: Shape, position: usize) -> [usize; 4] {
    let [_, c, h, w] = shape;
    [position / (c * h * w), position / (h * w) % c, position / w % h, position % w]
}
