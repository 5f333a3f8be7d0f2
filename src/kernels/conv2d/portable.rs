//! The portable kernels of the convolution family: every device, every stride, padding, dilation and grouping.

use crate::error::Result;
use crate::gpu::shader::Variant;
use crate::gpu::{LOOP_TRIPS, Launch, groups_1d};
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::params;
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::{Shape, Tensor};

params!(
    /// Extents of `conv2d` and `conv2d_grad_input`.
    PortableParams for "conv2d", "conv2d_grad_input" {
        n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32,
    }
);

params!(
    /// Extents of `conv2d_grad_weight` and the number of spans that its output pixels are split into.
    GradWeightParams for "conv2d_grad_weight" {
        n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, groups: u32, spans: u32,
    }
);

/// Pixels an invocation.
const PIXELS: usize = 4;

impl PortableParams {
    fn new(d: &Conv2dDims, has_bias: bool) -> Self {
        let [stride, padding, dilation, groups] = [d.attrs.stride, d.attrs.padding, d.attrs.dilation, d.attrs.groups].map(|v| v as u32);
        PortableParams {
            n: d.n as u32,
            c_in: d.c_in as u32,
            h_in: d.h_in as u32,
            w_in: d.w_in as u32,
            c_out: d.c_out as u32,
            h_out: d.h_out as u32,
            w_out: d.w_out as u32,
            kernel_h: d.kernel_h as u32,
            kernel_w: d.kernel_w as u32,
            stride,
            padding,
            dilation,
            groups,
            has_bias: has_bias.into(),
        }
    }
}

/// Channels an invocation: as many as a group has, at most `most`.
fn channel_tile(per_group: usize, most: usize) -> usize {
    per_group.next_power_of_two().min(most)
}

pub(super) fn conv2d(
    d: &Conv2dDims,
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    activation: u32,
    output: &Tensor,
) -> Result<()> {
    let out_per_group = d.c_out / d.attrs.groups;
    let tile = channel_tile(out_per_group, 8);
    let blocks = out_per_group.div_ceil(tile) * d.attrs.groups;
    input.gpu().launch(&Launch {
        stem: "conv2d",
        variant: Variant { consts: vec![("OUT", tile as u32), ("ACTIVATION", activation)], scalar: false },
        immediates: bytemuck::bytes_of(&PortableParams::new(d, bias.is_some())),
        buffers: &[input.buffer(), weight.buffer(), bias.unwrap_or(weight).buffer(), output.buffer()],
        groups: groups_1d(d.n * blocks * (d.h_out * d.w_out).div_ceil(64 * PIXELS)),
        cost: d.cost(),
    })
}

pub(super) fn grad_input(d: &Conv2dDims, grad_output: &Tensor, weight: &Tensor, bias: Option<&Tensor>, grad_input: &Tensor) -> Result<()> {
    let tile = channel_tile(d.in_per_group(), 8);
    let blocks = d.in_per_group().div_ceil(tile) * d.attrs.groups;
    let stride = d.attrs.stride;
    let phase_pixels = d.h_in.div_ceil(stride) * d.w_in.div_ceil(stride);
    grad_output.gpu().launch(&Launch {
        stem: "conv2d_grad_input",
        variant: Variant { consts: vec![("IN", tile as u32)], scalar: false },
        immediates: bytemuck::bytes_of(&PortableParams::new(d, bias.is_some())),
        buffers: &[grad_output.buffer(), weight.buffer(), bias.unwrap_or(weight).buffer(), grad_input.buffer()],
        groups: groups_1d(d.n * blocks * stride * stride * phase_pixels.div_ceil(64 * PIXELS)),
        cost: d.cost(),
    })
}

pub(super) fn grad_weight(d: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    let out_per_group = d.c_out / d.attrs.groups;
    let (out, inp) = (channel_tile(out_per_group, 8), channel_tile(d.in_per_group(), 4));
    let tiles = out_per_group.div_ceil(out) * d.in_per_group().div_ceil(inp) * d.attrs.groups * d.kernel_h * d.kernel_w;
    // Enough workgroups to fill a large GPU, but no span below 4096 pixels: each one costs a partial result.
    let pixels = d.n * d.h_out * d.w_out;
    let spans = (pixels / 4096).min(2048usize.div_ceil(tiles)).max(pixels.div_ceil(64 * LOOP_TRIPS));
    let shape = Shape::from([d.c_out, d.in_per_group(), d.kernel_h, d.kernel_w]);
    let partials = Tensor::empty(input.gpu(), [spans * d.weight_len()])?;
    let p = PortableParams::new(d, false);
    let params = GradWeightParams {
        n: p.n,
        c_in: p.c_in,
        h_in: p.h_in,
        w_in: p.w_in,
        c_out: p.c_out,
        h_out: p.h_out,
        w_out: p.w_out,
        kernel_h: p.kernel_h,
        kernel_w: p.kernel_w,
        stride: p.stride,
        padding: p.padding,
        dilation: p.dilation,
        groups: p.groups,
        spans: spans as u32,
    };
    input.gpu().launch(&Launch {
        stem: "conv2d_grad_weight",
        variant: Variant { consts: vec![("OUT", out as u32), ("IN", inp as u32)], scalar: false },
        immediates: bytemuck::bytes_of(&params),
        buffers: &[input.buffer(), grad_output.buffer(), partials.buffer()],
        groups: groups_1d(spans * tiles),
        cost: d.cost(),
    })?;
    sum_partials(&partials, spans, &shape)
}
