//! Host twin of `batch_norm_stats`.

use super::params;

params!(
    /// As [`BatchNormParams`], by channel; `team` invocations reduce a chunk.
    BatchNormStatsParams for "batch_norm_stats", "batch_norm_grad_stats" {
        n: u32, c: u32, plane: u32, step: u32, chunks: u32, lanes: u32, team: u32,
    }
);
