//! Host twin of `batch_norm_stats_running`.

use super::params;

params!(
    /// Channels.
    BatchNormStatsRunningParams for "batch_norm_stats_running" { c: u32, eps: f32 }
);
