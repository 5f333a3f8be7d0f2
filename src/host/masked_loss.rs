//! Host twin of `masked_loss`.

use super::params;

params!(
    /// Partial sums of an image, images.
    MaskedLossParams for "masked_loss" { parts: u32, images: u32 }
);
