//! Plans and launches of the convolution and of its input gradient: every stride, padding, dilation and grouping on every device.

use crate::error::Result;
use crate::gpu::{Capabilities, DeviceKind, LEAST_TILE, Launch, Plan, Selectable};
use crate::host::conv2d::Conv2dParams;
use crate::kernels::conv2d::grad_weight::GRAD_WEIGHT;
use crate::kernels::conv2d::select::{Method, select, turned};
use crate::kernels::conv2d::{CHANNELS, Conv2dDims, matrices, narrow, split, winograd};
use crate::kernels::epilogue::Epilogue;
use crate::kernels::source::Source;
use crate::tensor::Tensor;

/// Pixels a workgroup: 64 invocations of four each.
const PIXELS: usize = 64 * 4;

/// Pixels of a tile of a workgroup.
const TILE_PIXELS: usize = 64;
/// Side of a workgroup's tile of channels, where it pays.
pub(super) const TILE: u32 = 64;

/// Channels an invocation, or of a tile of a workgroup; each output is one invocation's sum, whatever else it computes.
pub(in crate::kernels) const FORWARD: Selectable =
    Selectable { stem: "conv2d", names: &["OUT"], values: CHANNEL_TILES, tile: Some("conv2d_tile") };
/// As [`FORWARD`].
pub(in crate::kernels) const GRAD_INPUT: Selectable =
    Selectable { stem: "conv2d_grad_input", names: &["IN"], values: CHANNEL_TILES, tile: Some("conv2d_grad_input_tile") };
const CHANNEL_TILES: &[&[u32]] = &[&[1], &[2], &[4], &[8], &[16], &[32], &[64], &[128]];

fn params(d: &Conv2dDims, epilogue: &Epilogue) -> Conv2dParams {
    let [n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups] = d.words();
    let [has_bias, has_scale] = epilogue.flags();
    Conv2dParams { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups, has_bias, has_scale }
}

/// Channels an invocation: as many as a group has, at most `most`.
pub(super) fn channel_tile(per_group: usize, most: usize) -> usize {
    per_group.next_power_of_two().min(most)
}

/// Whether four pixels are to be read one by one: they lie side by side where windows are single pixels and planes whole packs.
pub(super) fn is_scalar(d: &Conv2dDims) -> bool {
    let attrs = d.attrs;
    let is_pointwise = [d.kernel_h, d.kernel_w, attrs.stride, attrs.padding] == [1, 1, 1, 0];
    !is_pointwise || !(d.h_out * d.w_out).is_multiple_of(4)
}

/// A convolution or its input gradient as products of matrices.
struct Product<'a> {
    of: &'a Selectable,
    d: &'a Conv2dDims,
    /// Channels of the results, and channels that each sums, a group.
    channels: usize,
    summed: usize,
    /// Pixels of an image that share their taps, and how many such sets there are.
    pixels: usize,
    phases: usize,
}

impl<'a> Product<'a> {
    fn forward(d: &'a Conv2dDims) -> Self {
        let (channels, summed) = (d.c_out / d.attrs.groups, d.in_per_group());
        Product { of: &FORWARD, d, channels, summed, pixels: d.h_out * d.w_out, phases: 1 }
    }

    fn grad_input(d: &'a Conv2dDims) -> Self {
        let (channels, summed, stride) = (d.in_per_group(), d.c_out / d.attrs.groups, d.attrs.stride);
        let pixels = d.h_in.div_ceil(stride) * d.w_in.div_ceil(stride);
        Product { of: &GRAD_INPUT, d, channels, summed, pixels, phases: stride * stride }
    }

    /// Channels a tile: a workgroup's where a GPU has so many that it reads an operand often enough to pay for bringing it into workgroup
    /// memory, else an invocation's.
    fn usual_tile(&self, able: &Capabilities) -> u32 {
        let is_wide = able.kind == DeviceKind::Gpu && self.channels >= LEAST_TILE as usize && self.summed >= CHANNELS;
        channel_tile(self.channels, if is_wide { TILE as usize } else { 8 }) as u32
    }

    /// Workgroups for so many images. Tiles of a workgroup go on from one image to the next.
    fn workgroups(&self, able: &Capabilities, images: usize, tile: u32) -> usize {
        let is_own = self.of.stem_on(able, &[tile]) == self.of.stem;
        let spans = if is_own { images * self.pixels.div_ceil(PIXELS) } else { (images * self.pixels).div_ceil(TILE_PIXELS) };
        self.channels.div_ceil(tile as usize) * self.d.attrs.groups * self.phases * spans
    }

    /// Parts of the channels that are summed apart, by tiles of workgroups only.
    fn parts(&self, able: &Capabilities) -> usize {
        let usual = self.usual_tile(able);
        let is_own = self.of.stem_on(able, &[usual]) == self.of.stem;
        if is_own || able.choices.forces(self.of) { 1 } else { split::parts(able, self.workgroups(able, 1, usual), self.summed) }
    }

    /// The plan that the device's choices make of it.
    fn plan(&self, able: &Capabilities, params: &Conv2dParams, output: usize) -> Plan {
        let &Product { of, d, .. } = self;
        let plan = |tile: u32| {
            let stem = of.stem_on(able, &[tile]);
            let plan = Plan::new(stem, self.workgroups(able, d.n, tile)).scalar(stem != of.stem && is_scalar(d));
            plan.with([(of.names[0], tile), d.attrs.operands.constant(able)])
        };
        let usual = self.usual_tile(able);
        match self.parts(able) {
            1 => plan(able.choices.of(of, params, [usual])[0]),
            // Its sums have another order, so that there is nothing to choose.
            parts => split::split(plan(usual), self.workgroups(able, d.n, usual), parts, output),
        }
    }
}

/// Channels out up to which minimal filtering normalises as it reads: each 32 of them do so again, in the weight gradient, too.
const MOST_READ: usize = 64;

/// Whether the kernels of a convolution and of its weight gradient compute what is before it as they read.
pub(super) fn reads_through(able: &Capabilities, d: &Conv2dDims) -> bool {
    let reads = |of| match select(able, d, of) {
        Method::Narrow => true,
        Method::Winograd => d.c_out <= MOST_READ,
        Method::General => false,
    };
    reads(&FORWARD) && reads(&GRAD_WEIGHT) && matrices::forward(able, d).is_none() && matrices::grad_weight(able, d).is_none()
}

/// Arrays of the output's size that the forward pass fills before it adds them up; 1 where it needs none.
pub(super) fn parts(able: &Capabilities, d: &Conv2dDims) -> usize {
    match (matrices::forward(able, d), select(able, d, &FORWARD)) {
        (Some(_), _) | (_, Method::Narrow) => 1,
        (_, Method::Winograd) => winograd::parts(able, d),
        (_, Method::General) => Product::forward(d).parts(able),
    }
}

/// As [`parts`], of the input gradient.
pub(super) fn grad_input_parts(able: &Capabilities, d: &Conv2dDims) -> usize {
    let turned = turned(d);
    match (matrices::grad_input(able, d), turned.map(|turned| (turned, select(able, &turned, &GRAD_INPUT)))) {
        (Some(_), _) | (_, Some((_, Method::Narrow))) => 1,
        (_, Some((turned, Method::Winograd))) => winograd::parts(able, &turned),
        _ => Product::grad_input(d).parts(able),
    }
}

/// The convolution of `input`, images of the `source`; other than stored it may be only where [`reads_through`].
pub(super) fn conv2d(d: &Conv2dDims, source: Source, [input, weight, output]: [&Tensor; 3], epilogue: &Epilogue) -> Result<()> {
    let (able, whole) = (input.gpu().capabilities(), params(d, epilogue));
    let plan = match (matrices::forward(able, d), select(able, d, &FORWARD)) {
        (Some(plan), _) => plan,
        (_, Method::Winograd) => return winograd::launch(d, &whole, false, source, [input, weight, output], epilogue),
        (_, Method::Narrow) => return narrow::launch(d, &whole, false, source, [input, weight, output], epilogue),
        (_, Method::General) => Product::forward(d).plan(able, &whole, output.len()),
    };
    split::launch(&plan, epilogue, output, |epilogue, output| {
        input.gpu().launch(&Launch {
            plan: plan.clone().with([("ACTIVATION", epilogue.activation.code())]),
            params: &params(d, epilogue),
            buffers: &[input, weight, epilogue.bias.unwrap_or(weight), epilogue.scale.unwrap_or(weight), output].map(Tensor::buffer),
            cost: d.cost(),
        })
    })
}

pub(super) fn grad_input(d: &Conv2dDims, grad_output: &Tensor, weight: &Tensor, bias: Option<&Tensor>, grad_input: &Tensor) -> Result<()> {
    let (able, epilogue) = (grad_output.gpu().capabilities(), Epilogue::bias(bias));
    let with_matrices = matrices::grad_input(able, d);
    if let Some(turned) = turned(d).filter(|_| with_matrices.is_none()) {
        let (params, source, tensors) = (params(&turned, &epilogue), Source::Stored(grad_output), [grad_output, weight, grad_input]);
        match select(able, &turned, &GRAD_INPUT) {
            Method::Winograd => return winograd::launch(&turned, &params, true, source, tensors, &epilogue),
            Method::Narrow => return narrow::launch(&turned, &params, true, source, tensors, &epilogue),
            Method::General => {}
        }
    }
    let plan = with_matrices.unwrap_or_else(|| Product::grad_input(d).plan(able, &params(d, &epilogue), grad_input.len()));
    split::launch(&plan, &epilogue, grad_input, |epilogue, grad_input| {
        grad_output.gpu().launch(&Launch {
            plan: plan.clone(),
            params: &params(d, epilogue),
            buffers: &[grad_output, weight, epilogue.bias.unwrap_or(weight), grad_input].map(Tensor::buffer),
            cost: d.cost(),
        })
    })
}
