//! Host twin of `conv2d_grad_bias`.

use super::params;

params!(
    /// Extents of `conv2d_grad_bias`, and images and packs of a plane that one workgroup sums.
    Conv2dGradBiasParams for "conv2d_grad_bias" { n: u32, c: u32, packs: u32, span_images: u32, span_packs: u32 }
);
