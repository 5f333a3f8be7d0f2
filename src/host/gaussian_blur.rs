//! Host twin of `gaussian_blur`.

use super::params;

params!(
    /// Extents of the pass, its window, and the normalisation scale·(x − offset) applied on load.
    GaussianBlurParams for "gaussian_blur" {
        rows: u32, cols: u32, packs: u32, blocks: u32, planes: u32, pitch_out: u32, radius: u32, taps: u32, offset: f32, scale: f32
    }
);
