//! Host twin of `depthwise_conv2d`.

use super::params;

params!(
    /// Extents of `depthwise_conv2d`.
    DepthwiseParams for "depthwise_conv2d" {
        planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, has_bias: u32,
    }
);
