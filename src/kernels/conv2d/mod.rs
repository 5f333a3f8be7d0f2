//! Launchers of the convolution family: `conv2d`, `conv2d_grad_input`, `conv2d_grad_weight`, `conv2d_grad_bias`.
//!
//! One kernel each for every shape, and others for GPUs where they pay ([`select`]). Shaders: `shaders/conv2d*.wgsl`.

mod dims;
pub(in crate::kernels) mod grad_weight;
pub(in crate::kernels) mod launch;
mod matrices;
mod narrow;
mod select;
pub(in crate::kernels) mod split;
mod winograd;

pub use dims::{Conv2dAttrs, Conv2dDims};

use crate::error::{Error, Result};
use crate::gpu::{Capabilities, Cost, Gpu, Launch, Plan};
use crate::host::conv2d_grad_bias::Conv2dGradBiasParams;
use crate::kernels::epilogue::Epilogue;
use crate::kernels::image_groups::{for_images_of_parts, sum_over_images};
use crate::kernels::pack_half::Stored;
use crate::kernels::source::Source;
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::{Shape, Tensor};

/// Channels whose sums are added at once, in all kernels of the family.
const CHANNELS: usize = 8;
/// Largest spans of `conv2d_grad_bias` on GPUs: at most 128 trips over a plane for each of 256 images, few enough for every device.
const BIAS_SPAN: [usize; 2] = [256, 128 * 64];

/// y = act((x ∗ w)·scale + bias).
///
/// # Shapes
/// input `[n, c_in, h_in, w_in]`, weight `[c_out, c_in / groups, kernel_h, kernel_w]`, scale and bias `[c_out]`,
/// output `[n, c_out, h_out, w_out]`.
///
/// # Errors
/// Shapes that do not fit; more channels than the device can sum; out of memory.
pub fn conv2d(input: &Tensor, weight: &Tensor, attrs: &Conv2dAttrs, epilogue: &Epilogue) -> Result<Tensor> {
    convolved(Source::Stored(input), weight, attrs, epilogue)
}

/// y = f(x) ∗ w, where f is the norm or rectifier of the source.
///
/// # Shapes
/// Those of [`conv2d`].
///
/// # Errors
/// Those of [`conv2d`]; a convolution that does not [read through](reads_through) its source.
pub fn conv2d_of_source(source: Source, weight: &Tensor, attrs: &Conv2dAttrs) -> Result<Tensor> {
    let dims = Conv2dDims::forward(source.input(), weight, attrs)?;
    source.check("conv2d", dims.c_in, |able| reads_through(able, &dims))?;
    convolved(source, weight, attrs, &Epilogue::default())
}

/// Whether the kernels of this convolution and of its weight gradient can compute a norm or a rectifier before it as they read.
pub fn reads_through(able: &Capabilities, dims: &Conv2dDims) -> bool {
    launch::reads_through(able, dims)
}

fn convolved(source: Source, weight: &Tensor, attrs: &Conv2dAttrs, epilogue: &Epilogue) -> Result<Tensor> {
    let input = source.input();
    let dims = Conv2dDims::forward(input, weight, attrs)?;
    epilogue.check("conv2d", dims.c_out)?;
    let output = Tensor::empty(input.gpu(), [dims.n, dims.c_out, dims.h_out, dims.w_out])?;
    check_trips(input.gpu(), &dims, dims.in_per_group())?;
    let parts = launch::parts(input.gpu().capabilities(), &dims);
    for_images_of_parts("conv2d", [input, &output], [1, parts], |[input, output]| {
        launch::conv2d(&dims.of_images(input), source, [input, weight, output], epilogue)
    })?;
    Ok(output)
}

/// ∂L/∂x from ∂L/∂y. With a bias per input channel it is also the forward pass of `conv_transpose2d`.
///
/// # Shapes
/// grad_output `[n, c_out, h_out, w_out]`, weight `[c_out, c_in / groups, kernel_h, kernel_w]`, grad_input `[n, c_in, h_in, w_in]`
/// with the extents of `dims`.
///
/// # Errors
/// Shapes that do not fit; more channels than the device can sum; out of memory.
pub fn conv2d_grad_input(dims: &Conv2dDims, grad_output: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    dims.expect_output("conv2d_grad_input", grad_output)?;
    dims.expect_weight("conv2d_grad_input", weight)?;
    Epilogue::bias(bias).check("conv2d_grad_input", dims.c_in)?;
    let grad_input = Tensor::empty(grad_output.gpu(), [dims.n, dims.c_in, dims.h_in, dims.w_in])?;
    check_trips(grad_output.gpu(), dims, dims.c_out / dims.attrs.groups)?;
    let parts = launch::grad_input_parts(grad_output.gpu().capabilities(), dims);
    for_images_of_parts("conv2d_grad_input", [grad_output, &grad_input], [1, parts], |[grad_output, grad_input]| {
        launch::grad_input(&dims.of_images(grad_output), grad_output, weight, bias, grad_input)
    })?;
    Ok(grad_input)
}

/// ∂L/∂w from ∂L/∂y and x.
///
/// # Shapes
/// input and grad_output as `dims` says, result `[c_out, c_in / groups, kernel_h, kernel_w]`.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn conv2d_grad_weight(dims: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    conv2d_grad_weight_of_source(dims, Source::Stored(input), grad_output)
}

/// As [`conv2d_grad_weight`] of an input that was kept, read as f16 where the kernel can.
///
/// # Errors
/// Those of [`conv2d_grad_weight`].
pub fn conv2d_grad_weight_of_stored(dims: &Conv2dDims, input: &Stored, grad_output: &Tensor) -> Result<Tensor> {
    if !grad_weight::reads_packed(input.gpu().capabilities(), dims) {
        return conv2d_grad_weight(dims, &input.whole()?, grad_output);
    }
    dims.expect_input("conv2d_grad_weight", input.shape())?;
    dims.expect_output("conv2d_grad_weight", grad_output)?;
    let (input, packed) = input.readable()?;
    sum_over_images("conv2d_grad_weight", [&input, grad_output], |[input, grad_output]| {
        grad_weight::grad_weight(&dims.of_images(input), Source::Stored(input), packed, input, grad_output)
    })
}

/// As [`conv2d_grad_weight`] of [`conv2d_of_source`].
///
/// # Errors
/// Those of [`conv2d_grad_weight`] and [`conv2d_of_source`].
pub fn conv2d_grad_weight_of_source(dims: &Conv2dDims, source: Source, grad_output: &Tensor) -> Result<Tensor> {
    let input = source.input();
    source.check("conv2d_grad_weight", dims.c_in, |able| reads_through(able, dims))?;
    dims.expect_input("conv2d_grad_weight", input.shape())?;
    dims.expect_output("conv2d_grad_weight", grad_output)?;
    sum_over_images("conv2d_grad_weight", [input, grad_output], |[input, grad_output]| {
        grad_weight::grad_weight(&dims.of_images(input), source, ("PACKED", 0), input, grad_output)
    })
}

/// ∂L/∂b: the sum of ∂L/∂y over images and pixels.
///
/// # Shapes
/// grad_output `[n, c, h, w]`, result `[c]`.
///
/// # Errors
/// Not four axes; out of memory.
pub fn conv2d_grad_bias(grad_output: &Tensor) -> Result<Tensor> {
    sum_over_images("conv2d_grad_bias", [grad_output], |[grad_output]| grad_bias(grad_output))
}

fn grad_bias_plan(able: &Capabilities, [n, c, h, w]: [usize; 4]) -> (Plan, Conv2dGradBiasParams) {
    let scalar = !(h * w).is_multiple_of(4);
    let packs = if scalar { h * w } else { h * w / 4 };
    let most = if able.is_host() { [n, packs] } else { BIAS_SPAN };
    let [span_images, span_packs] = [n.min(most[0]), packs.min(most[1])];
    let spans = n.div_ceil(span_images) * packs.div_ceil(span_packs);
    let words = [n, c, packs, span_images, span_packs].map(|v| v as u32);
    let [n, channels, packs, span_images, span_packs] = words;
    let params = Conv2dGradBiasParams { n, c: channels, packs, span_images, span_packs };
    (Plan::new("conv2d_grad_bias", spans * c).scalar(scalar).scratch(spans * c), params)
}

fn grad_bias(grad_output: &Tensor) -> Result<Tensor> {
    let dims @ [_, c, ..] = grad_output.nchw("conv2d_grad_bias")?;
    let (gpu, (plan, params)) = (grad_output.gpu(), grad_bias_plan(grad_output.gpu().capabilities(), dims));
    let (partials, spans) = (Tensor::empty(gpu, [plan.scratch])?, plan.scratch / c.max(1));
    let cost = Cost::new(grad_output.len() as f64, grad_output.len() + c);
    gpu.launch(&Launch { plan, params: &params, buffers: &[grad_output.buffer(), partials.buffer()], cost })?;
    sum_partials(&partials, spans, &Shape::from([c]))
}

/// Refuses sums over `channels` channels that are longer than the device's loops.
fn check_trips(gpu: &Gpu, dims: &Conv2dDims, channels: usize) -> Result<()> {
    let blocks = channels.div_ceil(CHANNELS);
    if gpu.capabilities().loops(channels * dims.kernel_h * dims.kernel_w + 2 * blocks * (1 + dims.kernel_h * (1 + dims.kernel_w))) {
        return Ok(());
    }
    let (taps, name) = (dims.kernel_h * dims.kernel_w, &gpu.capabilities().name);
    Err(Error::shape("conv2d", format!("sums over {channels} channels × {taps} taps are too long for {name}: use fewer channels")))
}
