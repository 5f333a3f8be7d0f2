//! Launches of the convolution family: every stride, padding, dilation and grouping on every device.

use crate::error::Result;
use crate::gpu::shader::Variant;
use crate::gpu::{Kernel, Launch, groups_1d};
use crate::host::conv2d::Conv2dParams;
use crate::host::conv2d_grad_weight::Conv2dGradWeightParams;
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::epilogue::Epilogue;
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::{Shape, Tensor};

/// Pixels an invocation.
const PIXELS: usize = 4;

fn params(d: &Conv2dDims, epilogue: &Epilogue) -> Conv2dParams {
    let [n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups] = d.words();
    let [has_bias, has_scale] = epilogue.flags();
    Conv2dParams { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups, has_bias, has_scale }
}

fn grad_weight_params(d: &Conv2dDims, spans: u32) -> Conv2dGradWeightParams {
    let [n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups] = d.words();
    Conv2dGradWeightParams { n, c_in, h_in, w_in, c_out, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, groups, spans }
}

/// Channels an invocation: as many as a group has, at most `most`.
fn channel_tile(per_group: usize, most: usize) -> usize {
    per_group.next_power_of_two().min(most)
}

pub(super) fn conv2d(d: &Conv2dDims, input: &Tensor, weight: &Tensor, epilogue: &Epilogue, output: &Tensor) -> Result<()> {
    let out_per_group = d.c_out / d.attrs.groups;
    let tile = channel_tile(out_per_group, 8);
    let blocks = out_per_group.div_ceil(tile) * d.attrs.groups;
    input.gpu().launch(&Launch {
        kernel: Kernel::named("conv2d", &params(d, epilogue)),
        variant: Variant { consts: vec![("OUT", tile as u32), ("ACTIVATION", epilogue.activation.code())], scalar: false },
        buffers: &[input, weight, epilogue.bias.unwrap_or(weight), epilogue.scale.unwrap_or(weight), output].map(Tensor::buffer),
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
        kernel: Kernel::named("conv2d_grad_input", &params(d, &Epilogue::bias(bias))),
        variant: Variant { consts: vec![("IN", tile as u32)], scalar: false },
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
    let capabilities = input.gpu().capabilities();
    let fewest = capabilities.loop_trips.map_or(1, |most| pixels.div_ceil(64 * most));
    let spans = if capabilities.is_host() { 1 } else { (pixels / 4096).min(2048usize.div_ceil(tiles)).max(fewest) };
    let shape = Shape::from([d.c_out, d.in_per_group(), d.kernel_h, d.kernel_w]);
    let partials = Tensor::empty(input.gpu(), [spans * d.weight_len()])?;
    input.gpu().launch(&Launch {
        kernel: Kernel::of(&grad_weight_params(d, spans as u32)),
        variant: Variant { consts: vec![("OUT", out as u32), ("IN", inp as u32)], scalar: false },
        buffers: &[input.buffer(), grad_output.buffer(), partials.buffer()],
        groups: groups_1d(spans * tiles),
        cost: d.cost(),
    })?;
    sum_partials(&partials, spans, &shape)
}
