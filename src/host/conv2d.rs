//! Host twin of `conv2d`.

use super::params;

params!(
    /// Extents of `conv2d` and `conv2d_grad_input`.
    Conv2dParams for "conv2d", "conv2d_grad_input" {
        n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32,
    }
);
