//! Extents of a convolution as the twins use them: channels are those of one group.

use super::padded::Window;
use crate::host::conv2d::Conv2dParams;
use crate::host::conv2d_grad_weight::Conv2dGradWeightParams;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Extents {
    pub(crate) n: usize,
    pub(crate) groups: usize,
    pub(crate) c_in: usize,
    pub(crate) h_in: usize,
    pub(crate) w_in: usize,
    pub(crate) c_out: usize,
    pub(crate) h_out: usize,
    pub(crate) w_out: usize,
    pub(crate) kernel_h: usize,
    pub(crate) kernel_w: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
}

/// From the parameter struct `$params`, whose fields have the same names.
macro_rules! from_params {
    ($params:ty) => {
        impl From<&$params> for Extents {
            fn from(p: &$params) -> Self {
                let groups = p.groups as usize;
                Extents {
                    n: p.n as usize,
                    groups,
                    c_in: p.c_in as usize / groups,
                    h_in: p.h_in as usize,
                    w_in: p.w_in as usize,
                    c_out: p.c_out as usize / groups,
                    h_out: p.h_out as usize,
                    w_out: p.w_out as usize,
                    kernel_h: p.kernel_h as usize,
                    kernel_w: p.kernel_w as usize,
                    stride: p.stride as usize,
                    padding: p.padding as usize,
                    dilation: p.dilation as usize,
                }
            }
        }
    };
}
from_params!(Conv2dParams);
from_params!(Conv2dGradWeightParams);

impl Extents {
    /// A convolution with a group a channel: images and channels, sides in and out, window, and stride, padding, dilation.
    pub(crate) fn depthwise(
        [n, channels]: [u32; 2],
        [h_in, w_in, h_out, w_out]: [u32; 4],
        [kernel_h, kernel_w]: [u32; 2],
        [stride, padding, dilation]: [u32; 3],
    ) -> Self {
        let all = [n, channels, h_in, w_in, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation];
        let [n, groups, h_in, w_in, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation] = all.map(|v| v as usize);
        Extents { n, groups, c_in: 1, h_in, w_in, c_out: 1, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation }
    }

    pub(crate) fn taps(&self) -> usize {
        self.kernel_h * self.kernel_w
    }

    /// Elements of the input.
    pub(crate) fn inputs(&self) -> usize {
        self.n * self.groups * self.c_in * self.h_in * self.w_in
    }

    /// Elements of the output.
    pub(crate) fn outputs(&self) -> usize {
        self.n * self.groups * self.c_out * self.h_out * self.w_out
    }

    /// Elements of the weight.
    pub(crate) fn weights(&self) -> usize {
        self.groups * self.c_out * self.c_in * self.taps()
    }

    /// The forward pass of one group of one image.
    pub(crate) fn forward(&self) -> Window {
        Window {
            c_in: self.c_in,
            h_in: self.h_in,
            w_in: self.w_in,
            c_out: self.c_out,
            h_out: self.h_out,
            w_out: self.w_out,
            kernel_h: self.kernel_h,
            kernel_w: self.kernel_w,
            stride: self.stride,
            dilation: self.dilation,
            padding: [self.padding as isize; 2],
            spread: 1,
            weight_strides: [self.c_in * self.taps(), self.taps()],
            flip: false,
        }
    }

    /// The input gradient of one group of one image as a convolution of stride 1.
    pub(crate) fn transposed(&self) -> Window {
        let padding = |kernel: usize| (self.dilation * (kernel - 1)) as isize - self.padding as isize;
        Window {
            c_in: self.c_out,
            h_in: self.h_out,
            w_in: self.w_out,
            c_out: self.c_in,
            h_out: self.h_in,
            w_out: self.w_in,
            stride: 1,
            padding: [padding(self.kernel_h), padding(self.kernel_w)],
            spread: self.stride,
            weight_strides: [self.taps(), self.c_in * self.taps()],
            flip: true,
            ..self.forward()
        }
    }
}
