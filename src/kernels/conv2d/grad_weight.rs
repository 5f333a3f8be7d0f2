//! Plans and launches of `conv2d_grad_weight`: sums over images and pixels, cut into spans that are added in order.

use crate::error::Result;
use crate::gpu::{Capabilities, DeviceKind, LEAST_TILE, Launch, Plan, Selectable};
use crate::host::conv2d_grad_weight::Conv2dGradWeightParams;
use crate::kernels::conv2d::launch::{TILE, channel_tile, is_scalar};
use crate::kernels::conv2d::select::{Method, select};
use crate::kernels::conv2d::{Conv2dDims, matrices, narrow};
use crate::kernels::pack_half::unpack_half;
use crate::kernels::source::Source;
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

/// Kernels that read through what is before a layer: that of few channels, and that of minimal filtering.
const NARROW: &str = "conv2d_grad_weight_narrow";
/// See [`NARROW`].
const WINOGRAD: &str = "conv2d_winograd_grad_weight";

/// A kernel for a weight gradient with its blocks of channels, out and in.
struct Kernel {
    stem: &'static str,
    /// Usual channels of a workgroup, and the constants that say so.
    channels: [u32; 2],
    names: &'static [&'static str],
    /// Whether it reads elements one by one.
    scalar: bool,
    /// Taps of a workgroup: one, or all nine of a 3 × 3 window.
    taps: usize,
    /// Workgroups that are enough for a large GPU.
    enough: usize,
    /// Pixels that a trip of an invocation's loops takes a workgroup through.
    pixels_a_trip: usize,
}

fn kernel(able: &Capabilities, d: &Conv2dDims) -> Kernel {
    let own = [d.c_out / d.attrs.groups, d.in_per_group()];
    let tiles = |most: [usize; 2]| [channel_tile(own[0], most[0]), channel_tile(own[1], most[1])].map(|tile| tile as u32);
    let (stem, names) = (GRAD_WEIGHT.stem, GRAD_WEIGHT.names);
    let general = Kernel { stem, channels: tiles([8, 4]), names, scalar: false, taps: 1, enough: 2048, pixels_a_trip: 64 };
    // The sums of all others have another order, so that none of them is a choice among equals.
    match select(able, d, &GRAD_WEIGHT) {
        Method::Winograd => {
            let (stem, channels) = (WINOGRAD, [32; 2]);
            return Kernel { stem, channels, names: &[], taps: 9, enough: 512, pixels_a_trip: 2, ..general };
        }
        Method::Narrow => {
            let (stem, channels, scalar) = (NARROW, [narrow::channels(own[0]), 1], !d.w_out.is_multiple_of(4));
            return Kernel { stem, channels, names: &["OUT"], scalar, taps: 9, pixels_a_trip: 2, ..general };
        }
        Method::General => {}
    }
    // A workgroup's tile has 64 invocations or more.
    let is_gpu = able.kind == DeviceKind::Gpu && !able.choices.forces(&GRAD_WEIGHT);
    if is_gpu && own.iter().all(|own| *own >= LEAST_TILE as usize) && own != [LEAST_TILE as usize; 2] {
        let (stem, channels) = ("conv2d_grad_weight_tile", tiles([TILE as usize; 2]));
        return Kernel { stem, channels, scalar: is_scalar(d), pixels_a_trip: 2, ..general };
    }
    general
}

fn plan(able: &Capabilities, d: &Conv2dDims) -> (Plan, Conv2dGradWeightParams) {
    if let Some((plan, spans)) = matrices::grad_weight(able, d) {
        return (plan, params(d, spans));
    }
    let Kernel { stem, channels: usual, names, scalar, taps, enough, pixels_a_trip } = kernel(able, d);
    let workgroups = |[out, inp]: [u32; 2]| {
        let blocks = (d.c_out / d.attrs.groups).div_ceil(out as usize) * d.in_per_group().div_ceil(inp as usize);
        blocks * d.attrs.groups * (d.kernel_h * d.kernel_w / taps)
    };
    // No span below 4096 pixels: each one costs a partial result.
    let pixels = d.n * d.h_out * d.w_out;
    let fewest = able.loop_trips.map_or(1, |most| pixels.div_ceil(pixels_a_trip * most));
    let spans = if able.is_host() { 1 } else { (pixels / 4096).min(enough.div_ceil(workgroups(usual))).max(fewest) };
    let params = params(d, spans);
    let tile = if stem == GRAD_WEIGHT.stem { able.choices.of(&GRAD_WEIGHT, &params, usual) } else { usual };
    let plan = Plan::new(stem, spans * workgroups(tile)).scalar(scalar).with(names.iter().copied().zip(tile));
    (plan.with([d.attrs.operands.constant(able)]).scratch(spans * d.weight_len()), params)
}

fn params(d: &Conv2dDims, spans: usize) -> Conv2dGradWeightParams {
    let [n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups] = d.words();
    let spans = spans as u32;
    Conv2dGradWeightParams { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups, spans }
}

/// Whether the kernel of a weight gradient reads an input that is packed as f16.
pub(super) fn reads_packed(able: &Capabilities, d: &Conv2dDims) -> bool {
    matrices::grad_weight(able, d).is_some() || kernel(able, d).stem != GRAD_WEIGHT.stem
}

/// The gradient from images of the `source`, which `input` are; `packed` says how they are held.
pub(super) fn grad_weight(
    d: &Conv2dDims,
    source: Source,
    packed: (&'static str, u32),
    input: &Tensor,
    grad_output: &Tensor,
) -> Result<Tensor> {
    let (plan, params) = plan(input.gpu().capabilities(), d);
    if plan.stem == GRAD_WEIGHT.stem && packed.1 > 0 {
        // A run of few images may take another kernel than all of them.
        let whole = unpack_half(&input.reshaped([input.len()])?, &Shape::from([d.n, d.c_in, d.h_in, d.w_in]))?;
        return grad_weight(d, Source::Stored(&whole), ("PACKED", 0), &whole, grad_output);
    }
    let partials = Tensor::empty(input.gpu(), [plan.scratch])?;
    let [bias, scale, stats] = source.norm(input);
    let (plan, between) = match plan.stem {
        NARROW | WINOGRAD => (plan.with([source.constant(), packed]), &[bias, scale, stats][..]),
        stem if stem == GRAD_WEIGHT.stem => (plan, &[][..]),
        _ => (plan.with([packed]), &[][..]),
    };
    let buffers = [&[input.buffer(), grad_output.buffer()], between, &[partials.buffer()]].concat();
    input.gpu().launch(&Launch { plan, params: &params, buffers: &buffers, cost: d.cost() })?;
    sum_partials(&partials, params.spans as usize, &Shape::from([d.c_out, d.in_per_group(), d.kernel_h, d.kernel_w]))
}
