//! Host twin of `masked_ssim`.

use super::params;

params!(
    /// The tile's first element, columns of the image, extents of the tile, pitch of its moments, its workgroups, and SSIM's constants.
    MaskedSsimParams for "masked_ssim" {
        origin: u32, cols: u32, height: u32, width: u32, pitch: u32, first_part: u32, parts: u32, centre: f32, c1: f32, c2: f32
    }
);
