//! Host twin of `batch_norm_grad_stats_merge`.

use super::params;

params!(
    /// Channels and chunks of each.
    BatchNormGradStatsMergeParams for "batch_norm_grad_stats_merge" { c: u32, chunks: u32 }
);
