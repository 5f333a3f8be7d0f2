//! Host twin of `pad`.

use super::params;

params!(
    /// Extents in packs along rows; where the block lies in each image; the shift.
    PadParams for "pad" {
        planes: u32, channels: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32,
        image_in: u32, begin_in: u32, image_out: u32, begin_out: u32, down: i32, right: i32,
    }
);
