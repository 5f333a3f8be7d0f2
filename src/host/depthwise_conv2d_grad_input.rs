//! Host twin of `depthwise_conv2d_grad_input`.

use super::params;

params!(
    /// Extents of `depthwise_conv2d_grad_input`.
    DepthwiseGradInputParams for "depthwise_conv2d_grad_input" {
        planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, padding: u32, dilation: u32,
    }
);
