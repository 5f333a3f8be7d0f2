//! Which kernel computes a depthwise convolution, and how it is cut: pure functions of what the device can do and of the extents.

use crate::gpu::{Capabilities, Plan};
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::strips::Strips;

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

/// Columns of packs that invocations of the strip kernels walk down, of one channel.
fn columns(d: &Conv2dDims, algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Strips => d.n * d.attrs.dilation.min(d.h_in) * d.w_in.div_ceil(4),
        _ => d.n * d.w_out.div_ceil(4),
    }
}

/// How the strip kernels cut the columns.
pub(super) fn cut(d: &Conv2dDims, algorithm: Algorithm) -> Strips {
    let rows = if algorithm == Algorithm::Strips { d.h_in.div_ceil(d.attrs.dilation) } else { d.h_out };
    Strips::new(rows, columns(d, algorithm) * d.c_in)
}

/// Rows of a strip from which on its moments take less memory than the pass that they save.
const LEAST_STRIP: usize = 3;

/// Parts of every channel's moments that the forward kernel leaves, one an invocation; 0 where it leaves none.
pub(super) fn chunks(able: &Capabilities, d: &Conv2dDims) -> usize {
    let algorithm = select(able, d);
    let Strips { strip, strips } = cut(d, algorithm);
    let chunks = columns(d, algorithm) * strips;
    let fits = 16 * (d.c_out * chunks) as u64 <= able.max_binding_bytes && able.loops(chunks.div_ceil(GROUP));
    if algorithm != Algorithm::General && strip >= LEAST_STRIP && fits { chunks } else { 0 }
}

/// The forward pass, but for its activation.
pub(super) fn plan(able: &Capabilities, d: &Conv2dDims) -> Plan {
    let algorithm = select(able, d);
    let invocations = columns(d, algorithm) * d.c_in * cut(d, algorithm).strips;
    let plan = match algorithm {
        Algorithm::Strips => strips_plan("depthwise_conv2d_3x3", invocations.div_ceil(GROUP), d),
        Algorithm::StripsStride2 => Plan::each("depthwise_conv2d_3x3_stride2", invocations).scalar(!d.w_in.is_multiple_of(8)),
        Algorithm::General => Plan::each("depthwise_conv2d", d.n * d.c_in * d.h_out * d.w_out.div_ceil(4)),
    };
    plan.with([d.attrs.operands.constant(able)])
}

/// The input gradient, but for the activation of the forward kernel where it is that.
pub(super) fn grad_input_plan(able: &Capabilities, d: &Conv2dDims) -> Plan {
    let algorithm = select(able, d);
    let stride_2 = "depthwise_conv2d_grad_input_3x3_stride2";
    match algorithm {
        Algorithm::Strips => plan(able, d),
        Algorithm::StripsStride2 => Plan { stem: stride_2, ..plan(able, d) },
        Algorithm::General => Plan::each("depthwise_conv2d_grad_input", d.n * d.c_in * d.h_in * d.w_in.div_ceil(4))
            .with([("STRIDE", d.attrs.stride as u32), d.attrs.operands.constant(able)]),
    }
}

/// The weight gradient, whose spans are its scratch words by the elements of the weight.
pub(super) fn grad_weight_plan(able: &Capabilities, d: &Conv2dDims) -> Plan {
    let algorithm = select(able, d);
    let Strips { strip, strips } = cut(d, algorithm);
    let tasks = columns(d, algorithm) * strips;
    let of = |sums, tasks, trips| spans(able.loop_trips, sums, tasks, trips);
    let (plan, spans) = match algorithm {
        Algorithm::Strips => {
            let spans = of(d.c_in, tasks, strip + 3);
            (strips_plan("depthwise_conv2d_grad_weight_3x3", spans * d.c_in, d), spans)
        }
        Algorithm::StripsStride2 => {
            let spans = of(d.c_in, tasks, strip + 2);
            (Plan::new("depthwise_conv2d_grad_weight_3x3_stride2", spans * d.c_in).scalar(!d.w_in.is_multiple_of(8)), spans)
        }
        Algorithm::General => {
            let spans = if able.is_host() { 1 } else { of(d.weight_len(), d.n * d.h_out * d.w_out.div_ceil(4), 1) };
            (Plan::new("depthwise_conv2d_grad_weight", spans * d.weight_len()), spans)
        }
    };
    plan.scratch(spans * d.weight_len()).with([d.attrs.operands.constant(able)])
}

fn strips_plan(stem: &'static str, groups: usize, d: &Conv2dDims) -> Plan {
    Plan::new(stem, groups).with([("SIDES", sides(d.attrs.dilation))]).scalar(!d.w_in.is_multiple_of(4))
}

/// Invocations of a workgroup.
const GROUP: usize = 64;

/// Spans of `tasks` that keep the device busy with `sums` workgroups a span, each invocation with a task of its own, and no invocation
/// with more trips than the device's loops take.
fn spans(loop_trips: Option<usize>, sums: usize, tasks: usize, trips_a_task: usize) -> usize {
    let fewest = loop_trips.map_or(1, |most| (tasks.div_ceil(GROUP) * trips_a_task).div_ceil(most - trips_a_task));
    2048usize.div_ceil(sums).min(tasks / GROUP).max(fewest).max(1)
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::DeviceKind;
    use crate::kernels::conv2d::Conv2dAttrs;

    fn device(kind: DeviceKind) -> Capabilities {
        Capabilities { kind, ..Capabilities::webgpu("invented") }
    }

    fn dims(kernel: usize, stride: usize, padding: usize, dilation: usize) -> Conv2dDims {
        let attrs = Conv2dAttrs { stride, padding, dilation, groups: 8, ..Conv2dAttrs::PLAIN };
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

    #[test]
    fn spans_keep_devices_busy_and_loops_short() {
        assert_eq!(spans(None, 728, 8 * 8 * 2, 19), 2);
        assert_eq!(spans(None, 4096, 512, 67), 1);
        assert_eq!(spans(None, 728, 4, 9), 1);
        let many = spans(Some(60_000), 4096, 100_000_000, 67);
        assert!(100_000_000usize.div_ceil(many).div_ceil(64) * 67 <= 60_000);
    }
}
