//! Host twin of `batch_norm_grad_input`.

use super::params;

params!(
    /// As [`BatchNormParams`]; `inverse_count` is 1/(n·h·w) in training and 0 in evaluation.
    BatchNormGradInputParams for "batch_norm_grad_input" {
        planes: u32, c: u32, plane: u32, step: u32, chunks: u32, lanes: u32, inverse_count: f32,
    }
);
