//! Which kernel computes a convolution: a pure function of what the device can do and of the extents.

use crate::gpu::Capabilities;
use crate::kernels::conv2d::{Conv2dAttrs, Conv2dDims};

/// An algorithm of the convolution family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Register tiles over workgroups: every device, every shape.
    Portable,
    /// 3×3, stride 1, padding 1 on SIMD registers of a software device.
    Software3x3 {
        /// Lanes of the register.
        lanes: u32,
    },
    /// 1×1, stride 1 on SIMD registers of a software device.
    Software1x1 {
        /// Lanes of the register.
        lanes: u32,
    },
    /// Windows that tile the input (stride = kernel size): a 1×1 convolution between pixel_unshuffle and pixel_shuffle.
    SoftwarePatches {
        /// Lanes of the register.
        lanes: u32,
    },
    /// Any other window: a 1×1 convolution beside unfold and fold, where the windows fit into a buffer.
    SoftwareWindows {
        /// Lanes of the register.
        lanes: u32,
    },
}

/// Output channels from which copying the windows costs less than the portable kernel's sums.
const WINDOWS_CHANNELS: usize = 4;

/// Algorithm for the forward pass and both gradients.
pub fn select(capabilities: &Capabilities, dims: &Conv2dDims) -> Algorithm {
    let Conv2dAttrs { stride, padding, dilation, groups } = dims.attrs;
    let Some(lanes) = capabilities.simd_lanes().filter(|_| groups == 1) else {
        return Algorithm::Portable;
    };
    match (dims.kernel_h, dims.kernel_w) {
        (3, 3) if (stride, padding, dilation) == (1, 1, 1) => Algorithm::Software3x3 { lanes },
        (1, 1) if (stride, padding) == (1, 0) => Algorithm::Software1x1 { lanes },
        (h, w)
            if h == w
                && h == stride
                && h > 1
                && (padding, dilation) == (0, 1)
                && dims.h_in == dims.h_out * h
                && dims.w_in == dims.w_out * w =>
        {
            Algorithm::SoftwarePatches { lanes }
        }
        (h, w) if dims.c_out >= WINDOWS_CHANNELS => {
            let bytes = 4 * (dims.n * dims.c_in * h * w * dims.h_out * dims.w_out) as u64;
            if bytes <= capabilities.max_binding_bytes { Algorithm::SoftwareWindows { lanes } } else { Algorithm::Portable }
        }
        _ => Algorithm::Portable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dims(kernel: usize, attrs: Conv2dAttrs) -> Conv2dDims {
        Conv2dDims { n: 1, c_in: 8, h_in: 9, w_in: 9, c_out: 8, h_out: 9, w_out: 9, kernel_h: kernel, kernel_w: kernel, attrs }
    }

    fn device(software: bool, subgroup_size: Option<u32>) -> Capabilities {
        Capabilities {
            name: "invented".into(),
            backend: "Vulkan".into(),
            driver: String::new(),
            software,
            subgroup_size,
            timestamps: false,
            max_binding_bytes: 1 << 27,
            max_invocations: 256,
        }
    }

    #[test]
    fn software_kernels_run_only_on_software_devices_with_known_lanes_and_their_shapes() {
        let same = Conv2dAttrs { padding: 1, ..Default::default() };
        assert_eq!(select(&device(true, Some(16)), &dims(3, same)), Algorithm::Software3x3 { lanes: 16 });
        assert_eq!(select(&device(true, Some(8)), &dims(1, Default::default())), Algorithm::Software1x1 { lanes: 8 });
        let patches = Conv2dDims { h_out: 4, w_out: 4, h_in: 8, w_in: 8, ..dims(2, Conv2dAttrs { stride: 2, ..Default::default() }) };
        assert_eq!(select(&device(true, Some(16)), &patches), Algorithm::SoftwarePatches { lanes: 16 });
        for (device, dims) in [
            (device(false, Some(16)), patches),
            (device(false, Some(16)), dims(3, same)),
            (device(true, None), dims(3, same)),
            (device(true, Some(4)), dims(3, same)),
            (device(true, Some(16)), dims(3, Conv2dAttrs { groups: 8, ..same })),
            (device(true, Some(16)), Conv2dDims { c_out: 3, ..dims(5, same) }),
            (device(true, Some(16)), Conv2dDims { n: 2100, ..dims(5, same) }),
            (device(false, Some(16)), dims(5, same)),
        ] {
            assert_eq!(select(&device, &dims), Algorithm::Portable);
        }
        for dims in [
            Conv2dDims { w_in: 9, ..patches },
            dims(3, Conv2dAttrs { stride: 2, ..same }),
            dims(3, Conv2dAttrs { dilation: 2, ..same }),
            dims(3, Default::default()),
            dims(1, Conv2dAttrs { stride: 2, ..Default::default() }),
            dims(5, same),
        ] {
            assert_eq!(select(&device(true, Some(16)), &dims), Algorithm::SoftwareWindows { lanes: 16 });
        }
    }
}
