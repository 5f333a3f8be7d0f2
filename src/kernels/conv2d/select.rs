//! Which way a convolution or its input gradient is computed: a pure function of what the device can do and of the extents.

use crate::gpu::{Capabilities, DeviceKind, LEAST_TILE, Selectable};
use crate::kernels::conv2d::{Conv2dAttrs, Conv2dDims, winograd};

/// A way to compute a convolution, or its input gradient as a convolution of the turned windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Sums of products of any window, by invocations or by tiles of workgroups.
    General,
    /// 3 × 3 at stride 1 of few channels on a GPU: patches in workgroup memory.
    Narrow,
    /// 3 × 3 at stride 1 of many channels on a GPU: fewer products than there are terms.
    Winograd,
}

/// The way of a convolution, where `of` is what may be chosen in the general one; whoever forces a choice of it gets it.
pub(super) fn select(able: &Capabilities, d: &Conv2dDims, of: &Selectable) -> Method {
    if able.kind != DeviceKind::Gpu || !is_plain_3x3(d) || able.choices.forces(of) {
        return Method::General;
    }
    if d.c_in.min(d.c_out) < LEAST_TILE as usize {
        return Method::Narrow;
    }
    let fits = 4 * winograd::weight_words(d) as u64 <= able.max_binding_bytes;
    if fits { Method::Winograd } else { Method::General }
}

fn is_plain_3x3(d: &Conv2dDims) -> bool {
    let Conv2dAttrs { stride, padding, dilation, groups, operands: _ } = d.attrs;
    [d.kernel_h, d.kernel_w] == [3, 3] && [stride, dilation, groups] == [1, 1, 1] && padding <= 2
}

/// The convolution of an output's gradient by the turned windows that the input gradient of `d` is, where they are 3 × 3 at stride 1.
pub(super) fn turned(d: &Conv2dDims) -> Option<Conv2dDims> {
    let Conv2dDims { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, attrs } = *d;
    is_plain_3x3(d).then(|| Conv2dDims {
        n,
        c_in: c_out,
        h_in: h_out,
        w_in: w_out,
        c_out: c_in,
        h_out: h_in,
        w_out: w_in,
        kernel_h,
        kernel_w,
        attrs: Conv2dAttrs { padding: 2 - attrs.padding, ..attrs },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::conv2d::launch::FORWARD;

    #[test]
    fn the_way_hangs_on_the_device_the_window_and_the_channels() {
        let attrs = Conv2dAttrs { padding: 1, ..Conv2dAttrs::PLAIN };
        let wide = Conv2dDims { n: 8, c_in: 64, h_in: 9, w_in: 9, c_out: 64, h_out: 9, w_out: 9, kernel_h: 3, kernel_w: 3, attrs };
        let mut able = Capabilities::webgpu("WebGPU");
        assert_eq!(select(&able, &wide, &FORWARD), Method::Winograd);
        assert_eq!(select(&able, &Conv2dDims { c_in: 4, ..wide }, &FORWARD), Method::Narrow);
        assert_eq!(select(&able, &Conv2dDims { c_out: 31, ..wide }, &FORWARD), Method::Narrow);
        for attrs in [
            Conv2dAttrs { stride: 2, ..attrs },
            Conv2dAttrs { dilation: 2, ..attrs },
            Conv2dAttrs { groups: 2, ..attrs },
            Conv2dAttrs { padding: 3, ..attrs },
        ] {
            assert_eq!(select(&able, &Conv2dDims { attrs, ..wide }, &FORWARD), Method::General, "{attrs:?}");
        }
        // 128 MiB hold the transformed weights of 2²¹ pairs of channels.
        assert_eq!(select(&able, &Conv2dDims { c_in: 2048, c_out: 1024, ..wide }, &FORWARD), Method::Winograd);
        assert_eq!(select(&able, &Conv2dDims { c_in: 2048, c_out: 1025, ..wide }, &FORWARD), Method::General);
        assert_eq!(select(&Capabilities { kind: DeviceKind::Software, ..able.clone() }, &wide, &FORWARD), Method::General);
        assert!(able.choices.force(&FORWARD, &[8]));
        assert_eq!(select(&able, &wide, &FORWARD), Method::General);
    }

    #[test]
    fn turned_windows_have_the_extents_the_other_way_round() {
        let attrs = Conv2dAttrs { padding: 0, ..Conv2dAttrs::PLAIN };
        let d = Conv2dDims { n: 1, c_in: 3, h_in: 7, w_in: 9, c_out: 5, h_out: 5, w_out: 7, kernel_h: 3, kernel_w: 3, attrs };
        let back = turned(&d).unwrap();
        assert_eq!((back.c_in, back.h_in, back.w_in, back.attrs.padding), (5, 5, 7, 2));
        assert_eq!(turned(&back), Some(d));
        assert_eq!(turned(&Conv2dDims { kernel_h: 1, ..d }), None);
    }
}
