//! Which kernel computes a depthwise convolution: a pure function of what the device can do and of the extents.

use crate::gpu::Capabilities;
use crate::kernels::conv2d::Conv2dDims;

/// An algorithm of the depthwise family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// 3×3 that keeps the size, at any dilation: strips of rows, every row loaded once.
    Strips,
    /// 3×3 at stride 2, padding 1: the same.
    StripsStride2,
    /// A tap at a time on a GPU; every kernel, stride, padding and dilation. The host's twin has algorithms of its own.
    General,
}

/// Algorithm for the forward pass and both gradients.
pub fn select(capabilities: &Capabilities, dims: &Conv2dDims) -> Algorithm {
    let a = dims.attrs;
    if capabilities.is_host() {
        return Algorithm::General;
    }
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
    use crate::gpu::DeviceKind;
    use crate::kernels::conv2d::Conv2dAttrs;

    fn device(kind: DeviceKind) -> Capabilities {
        let (name, backend, driver) = ("invented".into(), "Vulkan".into(), String::new());
        Capabilities { name, backend, driver, kind, timestamps: false, max_binding_bytes: 1 << 27, loop_trips: None }
    }

    fn dims(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Conv2dDims {
        let attrs = Conv2dAttrs { stride, padding, dilation, groups: 8 };
        Conv2dDims { n: 1, c_in: 8, h_in: 9, w_in: 9, c_out: 8, h_out: 9, w_out: 9, kernel_h: kernel, kernel_w: kernel, attrs }
    }

    #[test]
    fn what_xception_needs_goes_by_strips_and_the_rest_tap_by_tap() {
        let gpu = device(DeviceKind::Gpu);
        for dilation in [1, 2, 4, 18] {
            assert_eq!(select(&device(DeviceKind::Host), &dims(3, 1, dilation, dilation)), Algorithm::General);
            assert_eq!(select(&gpu, &dims(3, 1, dilation, dilation)), Algorithm::Strips);
        }
        assert_eq!(select(&gpu, &dims(3, 2, 1, 1)), Algorithm::StripsStride2);
        for other in
            [dims(3, 1, 0, 1), dims(3, 1, 1, 2), dims(3, 2, 0, 1), dims(3, 2, 2, 2), dims(3, 3, 1, 1), dims(5, 1, 2, 1), dims(1, 1, 0, 1)]
        {
            assert_eq!(select(&gpu, &other), Algorithm::General);
        }
        assert_eq!([1, 2, 3, 4, 6, 12, 18].map(sides), [1, 2, 0, 4, 0, 4, 0]);
    }
}
