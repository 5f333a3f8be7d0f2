//! Plans and launches of `conv2d_grad_weight`: sums over images and pixels, cut into spans that are added in order.

use crate::error::Result;
use crate::gpu::{Capabilities, DeviceKind, LEAST_TILE, Launch, Plan, Selectable};
use crate::host::conv2d_grad_weight::Conv2dGradWeightParams;
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::conv2d::launch::{TILE, channel_tile, is_scalar};
use crate::kernels::conv2d::select::{Method, select};
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::{Shape, Tensor};

/// Channels out and in of a workgroup, at most 64 pairs, as 64 invocations add them up. The spans, which order the sums, are the same.
#[rustfmt::skip]
pub(in crate::kernels) const GRAD_WEIGHT: Selectable = Selectable {
    stem: "conv2d_grad_weight",
    names: &["OUT", "IN"],
    values: &[
        &[1, 1], &[1, 2], &[1, 4], &[2, 1], &[2, 2], &[2, 4], &[4, 1], &[4, 2], &[4, 4], &[8, 1], &[8, 2], &[8, 4], &[8, 8], &[16, 2],
        &[16, 4],
    ],
    tile: None,
};

/// A kernel for a weight gradient with its blocks of channels, out and in.
struct Kernel {
    stem: &'static str,
    /// Usual channels of a workgroup.
    channels: [u32; 2],
    /// Taps of a workgroup.
    taps: usize,
    /// Pixels that a trip of an invocation's loops takes a workgroup through.
    pixels_a_trip: usize,
}

fn kernel(able: &Capabilities, d: &Conv2dDims) -> Kernel {
    let own = [d.c_out / d.attrs.groups, d.in_per_group()];
    let tiles = |most: [usize; 2]| [channel_tile(own[0], most[0]), channel_tile(own[1], most[1])].map(|tile| tile as u32);
    // A workgroup's tile has 64 invocations or more. Its sums have another order, as have those of all taps at once, so that neither is a
    // choice among equals.
    let is_tile = able.kind == DeviceKind::Gpu && own.iter().all(|own| *own >= LEAST_TILE as usize) && own != [LEAST_TILE as usize; 2];
    if is_tile {
        return Kernel { stem: "conv2d_grad_weight_tile", channels: tiles([TILE as usize; 2]), taps: 1, pixels_a_trip: 2 };
    }
    if select(able, d, &GRAD_WEIGHT) == Method::Narrow {
        let out = if own[0] <= 4 { 4 } else { 8 };
        return Kernel { stem: "conv2d_grad_weight_narrow", channels: [out, 1], taps: 9, pixels_a_trip: 2 };
    }
    Kernel { stem: GRAD_WEIGHT.stem, channels: tiles([8, 4]), taps: 1, pixels_a_trip: 64 }
}

fn plan(able: &Capabilities, d: &Conv2dDims) -> (Plan, Conv2dGradWeightParams) {
    let Kernel { stem, channels: usual, taps, pixels_a_trip } = kernel(able, d);
    let workgroups = |[out, inp]: [u32; 2]| {
        let blocks = (d.c_out / d.attrs.groups).div_ceil(out as usize) * d.in_per_group().div_ceil(inp as usize);
        blocks * d.attrs.groups * (d.kernel_h * d.kernel_w / taps)
    };
    // Enough workgroups to fill a large GPU, but no span below 4096 pixels: each one costs a partial result.
    let pixels = d.n * d.h_out * d.w_out;
    let fewest = able.loop_trips.map_or(1, |most| pixels.div_ceil(pixels_a_trip * most));
    let spans = if able.is_host() { 1 } else { (pixels / 4096).min(2048usize.div_ceil(workgroups(usual))).max(fewest) };
    let [n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups] = d.words();
    let spans_u32 = spans as u32;
    let params = Conv2dGradWeightParams {
        n,
        c_in,
        h_in,
        w_in,
        c_out,
        h_out,
        w_out,
        kernel_h,
        kernel_w,
        stride,
        padding,
        dilation,
        groups,
        spans: spans_u32,
    };
    let half = d.attrs.operands.constant(able);
    let plan = if taps == 9 {
        Plan::new(stem, spans * workgroups(usual)).scalar(!d.w_out.is_multiple_of(4)).with([("OUT", usual[0]), half])
    } else {
        let is_chosen = stem == GRAD_WEIGHT.stem;
        let tile @ [out, inp] = if is_chosen { able.choices.of(&GRAD_WEIGHT, &params, usual) } else { usual };
        let plan = Plan::new(stem, spans * workgroups(tile)).scalar(!is_chosen && is_scalar(d));
        plan.with([("OUT", out), ("IN", inp), half])
    };
    (plan.scratch(spans * d.weight_len()), params)
}

pub(super) fn grad_weight(d: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    let (plan, params) = plan(input.gpu().capabilities(), d);
    let partials = Tensor::empty(input.gpu(), [plan.scratch])?;
    let buffers = &[input.buffer(), grad_output.buffer(), partials.buffer()];
    input.gpu().launch(&Launch { plan, params: &params, buffers, cost: d.cost() })?;
    sum_partials(&partials, params.spans as usize, &Shape::from([d.c_out, d.in_per_group(), d.kernel_h, d.kernel_w]))
}
