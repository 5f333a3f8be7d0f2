//! Which kernel computes a depthwise convolution: a pure function of its extents.

use crate::kernels::conv2d::Conv2dDims;

/// An algorithm of the depthwise family; all run on every device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// 3×3 that keeps the size, at any dilation: strips of rows, every row loaded once.
    Strips,
    /// 3×3 at stride 2, padding 1: the same.
    StripsStride2,
    /// A tap at a time: every kernel, stride, padding and dilation.
    General,
}

/// Algorithm for the forward pass and both gradients.
pub fn select(dims: &Conv2dDims) -> Algorithm {
    let a = dims.attrs;
    match (dims.kernel_h, dims.kernel_w, a.stride) {
        (3, 3, 1) if a.padding == a.dilation => Algorithm::Strips,
        (3, 3, 2) if (a.padding, a.dilation) == (1, 1) => Algorithm::StripsStride2,
        _ => Algorithm::General,
    }
}

/// How `shared/beside4.wgsl` finds the columns beside a quad at this dilation: its constant `SIDES`.
pub(super) fn sides(dilation: usize) -> u32 {
    match dilation {
        1 | 2 => dilation as u32,
        d if d.is_multiple_of(4) => 4,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::conv2d::Conv2dAttrs;

    fn dims(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Conv2dDims {
        let attrs = Conv2dAttrs { stride, padding, dilation, groups: 8 };
        Conv2dDims { n: 1, c_in: 8, h_in: 9, w_in: 9, c_out: 8, h_out: 9, w_out: 9, kernel_h: kernel, kernel_w: kernel, attrs }
    }

    #[test]
    fn what_xception_needs_goes_by_strips_and_the_rest_tap_by_tap() {
        for dilation in [1, 2, 4, 18] {
            assert_eq!(select(&dims(3, 1, dilation, dilation)), Algorithm::Strips);
        }
        assert_eq!(select(&dims(3, 2, 1, 1)), Algorithm::StripsStride2);
        for other in
            [dims(3, 1, 0, 1), dims(3, 1, 1, 2), dims(3, 2, 0, 1), dims(3, 2, 2, 2), dims(3, 3, 1, 1), dims(5, 1, 2, 1), dims(1, 1, 0, 1)]
        {
            assert_eq!(select(&other), Algorithm::General);
        }
        assert_eq!([1, 2, 3, 4, 6, 12, 18].map(sides), [1, 2, 0, 4, 0, 4, 0]);
    }
}
