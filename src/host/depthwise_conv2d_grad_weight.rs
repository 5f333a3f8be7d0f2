//! Host twin of `depthwise_conv2d_grad_weight`.

use super::params;

params!(
    /// Extents of `depthwise_conv2d_grad_weight`, and the spans.
    DepthwiseGradWeightParams for "depthwise_conv2d_grad_weight" {
        n: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, spans: u32,
    }
);
