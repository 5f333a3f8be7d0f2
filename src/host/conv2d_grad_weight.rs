//! Host twin of `conv2d_grad_weight`.

use super::params;

params!(
    /// Extents of `conv2d_grad_weight` and the number of spans that its output pixels are split into.
    Conv2dGradWeightParams for "conv2d_grad_weight" {
        n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, groups: u32, spans: u32,
    }
);
