//! Host twin of `interpolate`.

use super::params;

params!(
    /// Extents, source pixels per output pixel, and the rows of a strip and strips of a plane.
    InterpolateParams for "interpolate", "interpolate_nearest_2x", "interpolate_grad_input", "interpolate_grad_input_nearest_2x" {
        planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, ratio_h: f32, ratio_w: f32, strip: u32, strips: u32,
    }
);
