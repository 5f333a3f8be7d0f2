//! Plans and launches of the convolution family: every stride, padding, dilation and grouping on every device.

use crate::error::Result;
use crate::gpu::{Capabilities, DeviceKind, LEAST_TILE, Launch, Plan, Selectable};
use crate::host::conv2d::Conv2dParams;
use crate::host::conv2d_grad_weight::Conv2dGradWeightParams;
use crate::kernels::conv2d::select::{Method, select, turned};
use crate::kernels::conv2d::{CHANNELS, Conv2dDims, narrow, winograd};
use crate::kernels::epilogue::Epilogue;
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::{Shape, Tensor};

/// Pixels a workgroup: 64 invocations of four each.
const PIXELS: usize = 64 * 4;

/// Pixels of a tile of a workgroup.
const TILE_PIXELS: usize = 64;
/// Side of a workgroup's tile of channels, where it pays.
const TILE: u32 = 64;

/// Channels an invocation, or of a tile of a workgroup; each output is one invocation's sum, whatever else it computes.
pub(in crate::kernels) const FORWARD: Selectable =
    Selectable { stem: "conv2d", names: &["OUT"], values: CHANNEL_TILES, tile: Some("conv2d_tile") };
/// As [`FORWARD`].
pub(in crate::kernels) const GRAD_INPUT: Selectable =
    Selectable { stem: "conv2d_grad_input", names: &["IN"], values: CHANNEL_TILES, tile: Some("conv2d_grad_input_tile") };
const CHANNEL_TILES: &[&[u32]] = &[&[1], &[2], &[4], &[8], &[16], &[32], &[64], &[128]];
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

fn params(d: &Conv2dDims, epilogue: &Epilogue) -> Conv2dParams {
    let [n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups] = d.words();
    let [has_bias, has_scale] = epilogue.flags();
    Conv2dParams { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups, has_bias, has_scale }
}

fn grad_weight_params(d: &Conv2dDims, spans: usize) -> Conv2dGradWeightParams {
    let [n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups] = d.words();
    let spans = spans as u32;
    Conv2dGradWeightParams { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups, spans }
}

/// Channels an invocation: as many as a group has, at most `most`.
fn channel_tile(per_group: usize, most: usize) -> usize {
    per_group.next_power_of_two().min(most)
}

/// Channels a tile, of layers whose results have `channels` a group and sums `summed`: a workgroup's where a GPU has so many that it reads
/// an operand often enough to pay for bringing it into workgroup memory, else an invocation's.
fn usual_tile(able: &Capabilities, channels: usize, summed: usize) -> u32 {
    let is_wide = able.kind == DeviceKind::Gpu && channels >= LEAST_TILE as usize && summed >= CHANNELS;
    channel_tile(channels, if is_wide { TILE as usize } else { 8 }) as u32
}

/// The kernel of a tile of channels with so many `blocks` of them, for `images` of so many `pixels`. Tiles of a workgroup go on from one
/// image to the next.
fn plan_of(able: &Capabilities, of: &Selectable, tile: u32, blocks: usize, [images, pixels]: [usize; 2], d: &Conv2dDims) -> Plan {
    match of.stem_on(able, &[tile]) {
        stem if stem == of.stem => Plan::new(stem, blocks * images * pixels.div_ceil(PIXELS)),
        stem => Plan::new(stem, blocks * (images * pixels).div_ceil(TILE_PIXELS)).scalar(is_scalar(d)),
    }
}

/// Whether four pixels are to be read one by one: they lie side by side where windows are single pixels and planes whole packs.
fn is_scalar(d: &Conv2dDims) -> bool {
    let attrs = d.attrs;
    let is_pointwise = [d.kernel_h, d.kernel_w, attrs.stride, attrs.padding] == [1, 1, 1, 0];
    !is_pointwise || !(d.h_out * d.w_out).is_multiple_of(4)
}

fn plan(able: &Capabilities, d: &Conv2dDims, params: &Conv2dParams) -> Plan {
    let out_per_group = d.c_out / d.attrs.groups;
    let [out] = able.choices.of(&FORWARD, params, [usual_tile(able, out_per_group, d.in_per_group())]);
    let blocks = out_per_group.div_ceil(out as usize) * d.attrs.groups;
    plan_of(able, &FORWARD, out, blocks, [d.n, d.h_out * d.w_out], d).with([("OUT", out), d.attrs.operands.constant(able)])
}

pub(super) fn conv2d(d: &Conv2dDims, input: &Tensor, weight: &Tensor, epilogue: &Epilogue, output: &Tensor) -> Result<()> {
    let (able, params) = (input.gpu().capabilities(), params(d, epilogue));
    match select(able, d, &FORWARD) {
        Method::Winograd => return winograd::launch(d, &params, false, [input, weight, output], epilogue),
        Method::Narrow => return narrow::launch(d, &params, false, [input, weight, output], epilogue),
        Method::General => {}
    }
    input.gpu().launch(&Launch {
        plan: plan(able, d, &params).with([("ACTIVATION", epilogue.activation.code())]),
        params: &params,
        buffers: &[input, weight, epilogue.bias.unwrap_or(weight), epilogue.scale.unwrap_or(weight), output].map(Tensor::buffer),
        cost: d.cost(),
    })
}

fn grad_input_plan(able: &Capabilities, d: &Conv2dDims, params: &Conv2dParams) -> Plan {
    let [inp] = able.choices.of(&GRAD_INPUT, params, [usual_tile(able, d.in_per_group(), d.c_out / d.attrs.groups)]);
    let blocks = d.in_per_group().div_ceil(inp as usize) * d.attrs.groups;
    let stride = d.attrs.stride;
    let phase_pixels = d.h_in.div_ceil(stride) * d.w_in.div_ceil(stride);
    let plan = plan_of(able, &GRAD_INPUT, inp, blocks * stride * stride, [d.n, phase_pixels], d);
    plan.with([("IN", inp), d.attrs.operands.constant(able)])
}

pub(super) fn grad_input(d: &Conv2dDims, grad_output: &Tensor, weight: &Tensor, bias: Option<&Tensor>, grad_input: &Tensor) -> Result<()> {
    let (able, epilogue) = (grad_output.gpu().capabilities(), Epilogue::bias(bias));
    if let Some(turned) = turned(d) {
        let (params, tensors) = (params(&turned, &epilogue), [grad_output, weight, grad_input]);
        match select(able, &turned, &GRAD_INPUT) {
            Method::Winograd => return winograd::launch(&turned, &params, true, tensors, &epilogue),
            Method::Narrow => return narrow::launch(&turned, &params, true, tensors, &epilogue),
            Method::General => {}
        }
    }
    let params = params(d, &epilogue);
    grad_output.gpu().launch(&Launch {
        plan: grad_input_plan(able, d, &params),
        params: &params,
        buffers: &[grad_output.buffer(), weight.buffer(), bias.unwrap_or(weight).buffer(), grad_input.buffer()],
        cost: d.cost(),
    })
}

/// Tiles of channels and taps, `tile` channels out and in each.
fn tiles(d: &Conv2dDims, [out, inp]: [u32; 2]) -> usize {
    let blocks = (d.c_out / d.attrs.groups).div_ceil(out as usize) * d.in_per_group().div_ceil(inp as usize);
    blocks * d.attrs.groups * d.kernel_h * d.kernel_w
}

fn grad_weight_plan(able: &Capabilities, d: &Conv2dDims) -> (Plan, Conv2dGradWeightParams) {
    let channels = [d.c_out / d.attrs.groups, d.in_per_group()];
    // A workgroup's tile where it has 64 invocations or more; its sums have another order, so that it is no choice among equals.
    let is_tile =
        able.kind == DeviceKind::Gpu && channels.iter().all(|own| *own >= LEAST_TILE as usize) && channels != [LEAST_TILE as usize; 2];
    let most = if is_tile { [TILE as usize; 2] } else { [8, 4] };
    let usual = [channel_tile(channels[0], most[0]), channel_tile(channels[1], most[1])].map(|tile| tile as u32);
    // Enough workgroups to fill a large GPU, but no span below 4096 pixels: each one costs a partial result.
    let pixels = d.n * d.h_out * d.w_out;
    // Eight trips take a workgroup through 16 pixels of a tile, and one trip each of 64 invocations through a pixel.
    let pixels_a_trip = if is_tile { 2 } else { 64 };
    let fewest = able.loop_trips.map_or(1, |most| pixels.div_ceil(pixels_a_trip * most));
    let spans = if able.is_host() { 1 } else { (pixels / 4096).min(2048usize.div_ceil(tiles(d, usual))).max(fewest) };
    let params = grad_weight_params(d, spans);
    let (stem, tile) =
        if is_tile { ("conv2d_grad_weight_tile", usual) } else { ("conv2d_grad_weight", able.choices.of(&GRAD_WEIGHT, &params, usual)) };
    let [out, inp] = tile;
    let plan = Plan::new(stem, spans * tiles(d, tile)).scalar(is_tile && is_scalar(d)).with([
        ("OUT", out),
        ("IN", inp),
        d.attrs.operands.constant(able),
    ]);
    (plan.scratch(spans * d.weight_len()), params)
}

pub(super) fn grad_weight(d: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    let (plan, params) = grad_weight_plan(input.gpu().capabilities(), d);
    let partials = Tensor::empty(input.gpu(), [plan.scratch])?;
    let buffers = &[input.buffer(), grad_output.buffer(), partials.buffer()];
    input.gpu().launch(&Launch { plan, params: &params, buffers, cost: d.cost() })?;
    sum_partials(&partials, params.spans as usize, &Shape::from([d.c_out, d.in_per_group(), d.kernel_h, d.kernel_w]))
}
