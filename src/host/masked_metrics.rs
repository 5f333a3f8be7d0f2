//! Host twin of `masked_metrics`.

use super::params;

params!(
    /// Packs of an image, workgroups of an image, images, and the melt threshold.
    MaskedMetricsParams for "masked_metrics" { packs: u32, parts: u32, images: u32, threshold: f32 }
);
