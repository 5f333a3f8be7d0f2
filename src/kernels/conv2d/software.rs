//! Kernels of the convolution family for software devices: pixels in the lanes of a SIMD register, weights by shuffle.

use crate::error::Result;
use crate::gpu::shader::Variant;
use crate::gpu::{LOOP_TRIPS, Launch, groups_1d};
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::params;
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::{Shape, Tensor};

params!(
    /// Extents and weight strides of `conv2d_3x3_subgroup`.
    Conv3x3Params for "conv2d_3x3_subgroup" {
        n: u32, c_in: u32, c_out: u32, height: u32, width: u32, out_stride: u32, in_stride: u32, flip: u32, has_bias: u32,
    }
);

params!(
    /// Extents and weight strides of `conv2d_1x1_subgroup`.
    Conv1x1Params for "conv2d_1x1_subgroup" { n: u32, c_in: u32, c_out: u32, pixels: u32, out_stride: u32, in_stride: u32, has_bias: u32 }
);

params!(
    /// Extents of `conv2d_grad_weight_3x3_subgroup` and the number of spans that its rows are split into.
    GradWeight3x3Params for "conv2d_grad_weight_3x3_subgroup" { n: u32, c_in: u32, c_out: u32, height: u32, width: u32, spans: u32 }
);

params!(
    /// Extents of `conv2d_grad_weight_1x1_subgroup` and the number of spans that its quads are split into.
    GradWeight1x1Params for "conv2d_grad_weight_1x1_subgroup" { n: u32, c_in: u32, c_out: u32, pixels: u32, spans: u32 }
);

/// What a convolution reads and writes. For the input gradient `input` is ∂L/∂y and `output` is ∂L/∂x.
pub(super) struct Operands<'a> {
    pub(super) input: &'a Tensor,
    pub(super) weight: &'a Tensor,
    pub(super) bias: Option<&'a Tensor>,
    pub(super) activation: u32,
    pub(super) output: &'a Tensor,
    pub(super) grad_input: bool,
}

/// Channels into the sums and out of them, and the weight's strides along both, for the forward pass or the input gradient.
fn roles(d: &Conv2dDims, grad_input: bool) -> (usize, usize, usize, usize) {
    let taps = d.kernel_h * d.kernel_w;
    if grad_input { (d.c_out, d.c_in, taps, d.c_in * taps) } else { (d.c_in, d.c_out, d.c_in * taps, taps) }
}

/// Output channels a subgroup: the smallest of the compiled sizes that holds all of them, else the largest.
fn out_tile(channels: usize, sizes: &[usize]) -> usize {
    sizes.iter().copied().find(|&s| s >= channels).or(sizes.last().copied()).unwrap_or(1)
}

pub(super) fn conv_3x3(d: &Conv2dDims, lanes: u32, operands: &Operands) -> Result<()> {
    let &Operands { input, weight, bias, activation, output, grad_input } = operands;
    let (from, to, out_stride, in_stride) = roles(d, grad_input);
    let lanes = lanes as usize;
    // Narrow layers take more rows a lane instead: the sums held in registers stay about the same.
    let (out, rows) = match out_tile(to, &[4, 8, 16]) {
        16 => (16, 4),
        out => (out, if d.h_in >= 8 { 8 } else { 4 }),
    };
    let quads = d.w_in.div_ceil(4);
    let tasks = d.n * d.h_in.div_ceil(rows) * quads;
    let consts = [
        ("LANES", lanes),
        ("ROWS", rows),
        ("OUT", out),
        ("WEIGHT_LOADS", (9 * out).div_ceil(lanes)),
        ("HALO_LOADS", (2 * (rows + 2)).div_ceil(lanes)),
        ("ACTIVATION", activation as usize),
    ];
    let params = Conv3x3Params {
        n: d.n as u32,
        c_in: from as u32,
        c_out: to as u32,
        height: d.h_in as u32,
        width: d.w_in as u32,
        out_stride: out_stride as u32,
        in_stride: in_stride as u32,
        flip: grad_input.into(),
        has_bias: bias.is_some().into(),
    };
    input.gpu().launch(&Launch {
        stem: "conv2d_3x3_subgroup",
        variant: Variant { consts: consts.map(|(n, v)| (n, v as u32)).to_vec(), scalar: !d.w_in.is_multiple_of(4) },
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), input.buffer(), weight.buffer(), bias.unwrap_or(weight).buffer(), output.buffer()],
        groups: groups_1d(tasks.div_ceil(lanes) * to.div_ceil(out)),
        cost: d.cost(),
    })
}

pub(super) fn conv_1x1(d: &Conv2dDims, lanes: u32, operands: &Operands) -> Result<()> {
    let &Operands { input, weight, bias, activation, output, grad_input } = operands;
    let (from, to, out_stride, in_stride) = roles(d, grad_input);
    let lanes = lanes as usize;
    let out = out_tile(to, &[1, 4, 8, 16, 32, 64]);
    let (high, low) = if out > 32 { (2, 32) } else { (1, out) };
    let pixels = d.h_in * d.w_in;
    let tasks = d.n * pixels.div_ceil(4);
    let consts = [
        ("LANES", lanes),
        ("OUT_HIGH", high),
        ("OUT_LOW", low),
        ("WEIGHT_LOADS", out.div_ceil(lanes)),
        ("ACTIVATION", activation as usize),
    ];
    let params = Conv1x1Params {
        n: d.n as u32,
        c_in: from as u32,
        c_out: to as u32,
        pixels: pixels as u32,
        out_stride: out_stride as u32,
        in_stride: in_stride as u32,
        has_bias: bias.is_some().into(),
    };
    input.gpu().launch(&Launch {
        stem: "conv2d_1x1_subgroup",
        variant: Variant { consts: consts.map(|(n, v)| (n, v as u32)).to_vec(), scalar: !pixels.is_multiple_of(4) },
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), weight.buffer(), bias.unwrap_or(weight).buffer(), output.buffer()],
        groups: groups_1d(tasks.div_ceil(lanes * 2) * to.div_ceil(out)),
        cost: d.cost(),
    })
}

/// Input channels a lane of the 1×1 weight gradient. More of them share the shuffled outputs: by measurement, a channel takes 62 % of
/// the time where two share them and 47 % where four do, against channels past the last that a lane computes for nothing.
fn inputs_a_lane(lanes: usize, c_in: usize) -> usize {
    // Registers of 16 lanes hold twice as many output channels a load: four inputs no longer fit.
    let sizes: &[(usize, usize)] = if lanes > 8 { &[(1, 100), (2, 62)] } else { &[(1, 100), (2, 62), (4, 47)] };
    let time = |&&(inputs, share): &&(usize, usize)| c_in.div_ceil(lanes * inputs) * inputs * share;
    sizes.iter().min_by_key(time).map_or(1, |&(inputs, _)| inputs)
}

/// Weight gradients of this size whose partial sums a kernel may see at once.
fn most_spans(input: &Tensor, d: &Conv2dDims) -> usize {
    (input.gpu().capabilities().max_binding_bytes / 4) as usize / d.weight_len().max(1)
}

/// Tile of a weight gradient: output channels a load and loads, and the spans that keep both cores busy without many partial sums and
/// the loops short enough.
struct GradWeightTile {
    out: usize,
    loads: usize,
    spans: usize,
    groups: usize,
}

impl GradWeightTile {
    /// `blocks` of what lanes own; `[work, trips]`: how many pieces spans are made of, and the trips of the kernel's loops over one.
    fn new(lanes: usize, blocks: usize, c_out: usize, most_loads: usize, [work, trips]: [usize; 2], most_spans: usize) -> Self {
        let out = out_tile(c_out, &[1, 4, 8, lanes]).min(lanes);
        let loads = c_out.div_ceil(out).min(most_loads);
        let blocks = blocks * c_out.div_ceil(out * loads);
        let fewest = work.div_ceil((LOOP_TRIPS / trips).max(1));
        let spans = 16usize.div_ceil(blocks).min(work).min(most_spans).max(fewest);
        GradWeightTile { out, loads, spans, groups: blocks * spans }
    }

    fn variant(&self, lanes: usize, scalar: bool) -> Variant {
        let consts = [("LANES", lanes), ("LOADS", self.loads), ("OUT", self.out)];
        Variant { consts: consts.map(|(n, v)| (n, v as u32)).to_vec(), scalar }
    }
}

pub(super) fn grad_weight_3x3(d: &Conv2dDims, lanes: u32, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    let (blocks, work) = ((d.c_in * 3).div_ceil(lanes as usize), [d.n * d.h_in, d.w_in.div_ceil(4) + 2]);
    let tile = GradWeightTile::new(lanes as usize, blocks, d.c_out, 2, work, most_spans(input, d));
    let partials = Tensor::empty(input.gpu(), [tile.spans * d.weight_len()])?;
    let params = GradWeight3x3Params {
        n: d.n as u32,
        c_in: d.c_in as u32,
        c_out: d.c_out as u32,
        height: d.h_in as u32,
        width: d.w_in as u32,
        spans: tile.spans as u32,
    };
    input.gpu().launch(&Launch {
        stem: "conv2d_grad_weight_3x3_subgroup",
        variant: tile.variant(lanes as usize, !d.w_in.is_multiple_of(4)),
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), grad_output.buffer(), partials.buffer()],
        groups: groups_1d(tile.groups),
        cost: d.cost(),
    })?;
    sum_partials(&partials, tile.spans, &Shape::from([d.c_out, d.c_in, 3, 3]))
}

pub(super) fn grad_weight_1x1(d: &Conv2dDims, lanes: u32, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    let pixels = d.h_in * d.w_in;
    let inputs = inputs_a_lane(lanes as usize, d.c_in);
    let blocks = d.c_in.div_ceil(lanes as usize * inputs);
    let tile = GradWeightTile::new(lanes as usize, blocks, d.c_out, 4, [d.n * pixels.div_ceil(4), 1], most_spans(input, d));
    let mut variant = tile.variant(lanes as usize, !pixels.is_multiple_of(4));
    variant.consts.push(("INPUTS", inputs as u32));
    let partials = Tensor::empty(input.gpu(), [tile.spans * d.weight_len()])?;
    let params =
        GradWeight1x1Params { n: d.n as u32, c_in: d.c_in as u32, c_out: d.c_out as u32, pixels: pixels as u32, spans: tile.spans as u32 };
    input.gpu().launch(&Launch {
        stem: "conv2d_grad_weight_1x1_subgroup",
        variant,
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), grad_output.buffer(), partials.buffer()],
        groups: groups_1d(tile.groups),
        cost: d.cost(),
    })?;
    sum_partials(&partials, tile.spans, &Shape::from([d.c_out, d.c_in, 1, 1]))
}

#[cfg(test)]
mod tests {
    use super::inputs_a_lane;

    #[test]
    fn lanes_take_more_input_channels_where_few_are_computed_for_nothing() {
        assert_eq!([1, 8, 9, 16, 17, 24, 32, 40, 256].map(|c_in| inputs_a_lane(8, c_in)), [1, 1, 2, 2, 4, 4, 4, 2, 4]);
        assert_eq!([16, 17, 256].map(|c_in| inputs_a_lane(16, c_in)), [1, 2, 2]);
    }
}
