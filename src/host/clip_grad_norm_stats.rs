//! Host twin of `clip_grad_norm_stats`.

use super::params;

params!(
    /// Length, workgroups, and the first partial sum of this gradient.
    ClipGradNormStatsParams for "clip_grad_norm_stats" { len: u32, parts: u32, first: u32 }
);
