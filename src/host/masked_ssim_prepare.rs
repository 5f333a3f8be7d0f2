//! Host twin of `masked_ssim_prepare`.

use super::params;

params!(
    /// The tile's first element with its margin, columns of the image, extents of the tile, packs of its rows, data range and its centre.
    MaskedSsimPrepareParams for "masked_ssim_prepare" {
        origin: u32, cols: u32, height: u32, width: u32, packs: u32, low: f32, high: f32, centre: f32
    }
);
