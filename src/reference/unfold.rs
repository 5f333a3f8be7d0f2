//! The windows of a convolution as channels, PyTorch's `unfold`, and its adjoint `fold`.
//!
//! unfold: output[n, (c, kr, kq), r, q] = input[n, c, r·stride + kr·dilation − padding, q·stride + kq·dilation − padding], 0 outside.
//! fold adds every element of the windows to where unfold took it from.

use super::conv2d::{Conv2dAttrs, conv2d_output_shape};
use super::{Shape, at, count};

/// The windows' shape for an input of `shape` and windows of `[kernel_h, kernel_w]`.
pub fn unfold_output_shape(shape: Shape, [kernel_h, kernel_w]: [usize; 2], attrs: &Conv2dAttrs) -> Shape {
    conv2d_output_shape(shape, [shape[1] * kernel_h * kernel_w, shape[1], kernel_h, kernel_w], attrs)
}

/// Calls `visit(window element, input element)` with all pairs inside the input.
fn for_each_pair(shape: Shape, kernel: [usize; 2], attrs: &Conv2dAttrs, mut visit: impl FnMut(usize, usize)) {
    let windows = unfold_output_shape(shape, kernel, attrs);
    let taps = kernel[0] * kernel[1];
    for n in 0..windows[0] {
        for channel in 0..windows[1] {
            let (c, tap) = (channel / taps, channel % taps);
            for row in 0..windows[2] {
                for col in 0..windows[3] {
                    let r = (row * attrs.stride + tap / kernel[1] * attrs.dilation).checked_sub(attrs.padding);
                    let q = (col * attrs.stride + tap % kernel[1] * attrs.dilation).checked_sub(attrs.padding);
                    if let (Some(r), Some(q)) = (r.filter(|r| *r < shape[2]), q.filter(|q| *q < shape[3])) {
                        visit(at(windows, n, channel, row, col), at(shape, n, c, r, q));
                    }
                }
            }
        }
    }
}

/// The windows and their shape.
pub fn unfold(input: &[f64], shape: Shape, kernel: [usize; 2], attrs: &Conv2dAttrs) -> (Vec<f64>, Shape) {
    let windows = unfold_output_shape(shape, kernel, attrs);
    let mut output = vec![0.0; count(windows)];
    for_each_pair(shape, kernel, attrs, |w, i| output[w] = input[i]);
    (output, windows)
}

/// The sums of windows where they lie in a map of `shape`.
pub fn fold(windows: &[f64], shape: Shape, kernel: [usize; 2], attrs: &Conv2dAttrs) -> Vec<f64> {
    let mut output = vec![0.0; count(shape)];
    for_each_pair(shape, kernel, attrs, |w, i| output[i] += windows[w]);
    output
}
