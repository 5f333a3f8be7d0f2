//! Host twin of `max_pool2d`.

use super::params;

params!(
    /// Extents and window.
    MaxPool2dParams for "max_pool2d", "max_pool2d_2x2", "max_pool2d_grad_input", "max_pool2d_grad_input_2x2" {
        planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel: u32, stride: u32, padding: u32,
    }
);
