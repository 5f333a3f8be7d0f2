//! Host twin of `masked_loss_stats`.

use super::params;

params!(
    /// Packs of an image, workgroups of an image, images.
    MaskedLossPixelParams for "masked_loss_stats", "masked_loss_grad_pred" { packs: u32, parts: u32, images: u32 }
);
