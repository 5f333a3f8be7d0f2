//! Host twin of `batch_norm_stats_merge`.

use super::params;

params!(
    /// Channels, chunks of each, and the update of the running statistics.
    BatchNormStatsMergeParams for "batch_norm_stats_merge" { c: u32, chunks: u32, momentum: f32, eps: f32 }
);
