//! Launchers of `depthwise_conv2d` and its gradients: one filter a channel (groups = channels in = channels out).
//!
//! 3×3 kernels that keep or halve the size have kernels of their own, chosen by [`select`]; they walk down strips of rows and load
//! every row once, on every device. Shaders: `shaders/depthwise_conv2d*.wgsl`.

mod grad_weight;
mod select;

pub(crate) use grad_weight::{GradWeight3x3Params, GradWeight3x3Stride2Params};
pub use grad_weight::{depthwise_conv2d_grad_weight, depthwise_conv2d_grad_weight_of_source};
pub use select::{Algorithm, select};

use self::select::{cut, grad_input_plan, plan};
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Capabilities, Cost, Gpu, Launch, Plan};
use crate::host::depthwise_conv2d::DepthwiseParams;
use crate::host::depthwise_conv2d_grad_input::DepthwiseGradInputParams;
use crate::kernels::conv2d::{Conv2dAttrs, Conv2dDims};
use crate::kernels::epilogue::Epilogue;
use crate::kernels::image_groups::for_images;
use crate::kernels::params;
use crate::kernels::source::Source;
use crate::tensor::Tensor;

params!(
    /// Extents of `depthwise_conv2d_3x3`, and the rows of a strip and strips of a plane's phase.
    Depthwise3x3Params for "depthwise_conv2d_3x3" {
        planes: u32, c: u32, height: u32, width: u32, dilation: u32, strip: u32, strips: u32, flip: u32,
        has_bias: u32, has_scale: u32,
    }
);

params!(
    /// Extents of `depthwise_conv2d_3x3_stride2`, and the rows of a strip and strips of a plane.
    Depthwise3x3Stride2Params for "depthwise_conv2d_3x3_stride2" {
        planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, strip: u32, strips: u32, has_bias: u32,
        has_scale: u32,
    }
);

params!(
    /// Extents of `depthwise_conv2d_grad_input_3x3_stride2`, and the rows of a strip and strips of a plane.
    DepthwiseGradInput3x3Stride2Params for "depthwise_conv2d_grad_input_3x3_stride2" {
        planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, strip: u32, strips: u32,
    }
);

/// y = act((x ∗ w)·scale + bias), a channel at a time.
///
/// # Shapes
/// input `[n, c, h_in, w_in]`, weight `[c, 1, kernel_h, kernel_w]`, scale and bias `[c]`, output `[n, c, h_out, w_out]`.
///
/// # Errors
/// Shapes that do not fit or are not depthwise; more taps than the device can sum; out of memory.
pub fn depthwise_conv2d(input: &Tensor, weight: &Tensor, attrs: &Conv2dAttrs, epilogue: &Epilogue) -> Result<Tensor> {
    Ok(convolved(Source::Stored(input), weight, attrs, epilogue, false)?.0)
}

/// y = f(x) ∗ w a channel at a time, where f is the norm or rectifier of the source; where `feeds_norm` also the moments of y for
/// [`batch_norm_stats_of_moments`](crate::kernels::batch_norm::batch_norm_stats_of_moments), unless the launch is split over images.
///
/// # Shapes
/// Those of [`depthwise_conv2d`]; moments `[c, chunks, 4]`.
///
/// # Errors
/// Those of [`depthwise_conv2d`]; a convolution that does not [read through](reads_through) its source.
pub fn depthwise_conv2d_of_source(
    source: Source,
    weight: &Tensor,
    attrs: &Conv2dAttrs,
    feeds_norm: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    convolved(source, weight, attrs, &Epilogue::default(), feeds_norm)
}

/// Whether the kernels of this convolution and of its weight gradient can compute a norm or a rectifier before it as they read.
pub fn reads_through(able: &Capabilities, dims: &Conv2dDims) -> bool {
    select(able, dims) != Algorithm::General
}

fn convolved(
    source: Source,
    weight: &Tensor,
    attrs: &Conv2dAttrs,
    epilogue: &Epilogue,
    feeds_norm: bool,
) -> Result<(Tensor, Option<Tensor>)> {
    let input = source.input();
    let d = Conv2dDims::forward(input, weight, attrs)?;
    check(input.gpu(), &d)?;
    source.check("depthwise_conv2d", d.c_in, |able| reads_through(able, &d))?;
    epilogue.check("depthwise_conv2d", d.c_out)?;
    let output = Tensor::empty(input.gpu(), [d.n, d.c_out, d.h_out, d.w_out])?;
    let able = input.gpu().capabilities();
    let is_whole = |tensor: &Tensor| tensor.buffer().bytes() <= able.max_binding_bytes;
    let chunks = if feeds_norm && is_whole(input) && is_whole(&output) { select::chunks(able, &d) } else { 0 };
    let moments = (chunks > 0).then(|| Tensor::empty(input.gpu(), [d.c_out, chunks, 4])).transpose()?;
    let behind = Behind { epilogue, moments: moments.as_ref() };
    for_images("depthwise_conv2d", [input, &output], |[input, output]| {
        let d = d.of_images(input);
        let able = input.gpu().capabilities();
        let plan = plan(able, &d).with([("ACTIVATION", epilogue.activation.code())]);
        match select(able, &d) {
            Algorithm::Strips => strips(&d, plan, source, [input, weight, output], behind, false),
            Algorithm::StripsStride2 => strips_stride2(&d, plan, source, [input, weight, output], behind),
            Algorithm::General => general(&d, plan, input, weight, epilogue, output),
        }
    })?;
    Ok((output, moments))
}

/// What follows the sums of the forward kernels.
#[derive(Clone, Copy)]
struct Behind<'a> {
    epilogue: &'a Epilogue<'a>,
    /// Where the results' moments go.
    moments: Option<&'a Tensor>,
}

impl Behind<'_> {
    fn constant(&self) -> (&'static str, u32) {
        ("MOMENTS", self.moments.is_some().into())
    }

    /// Of the convolution and of what is left of it.
    fn cost(&self, d: &Conv2dDims) -> Cost {
        let Cost { flops, bytes } = d.cost();
        Cost { flops, bytes: bytes + self.moments.map_or(0.0, |moments| 4.0 * moments.len() as f64) }
    }
}

/// ∂L/∂x from ∂L/∂y.
///
/// # Shapes
/// grad_output `[n, c, h_out, w_out]`, weight `[c, 1, kernel_h, kernel_w]`, grad_input `[n, c, h_in, w_in]` with the extents of `dims`.
///
/// # Errors
/// Shapes that do not fit or are not depthwise; more taps than the device can sum; out of memory.
pub fn depthwise_conv2d_grad_input(dims: &Conv2dDims, grad_output: &Tensor, weight: &Tensor) -> Result<Tensor> {
    check(grad_output.gpu(), dims)?;
    dims.expect_output("depthwise_conv2d_grad_input", grad_output)?;
    dims.expect_weight("depthwise_conv2d_grad_input", weight)?;
    let grad_input = Tensor::empty(grad_output.gpu(), [dims.n, dims.c_in, dims.h_in, dims.w_in])?;
    for_images("depthwise_conv2d_grad_input", [grad_output, &grad_input], |[grad_output, grad_input]| {
        let d = dims.of_images(grad_output);
        let able = grad_output.gpu().capabilities();
        let plan = grad_input_plan(able, &d);
        match select(able, &d) {
            // The forward kernel with the taps the other way round.
            Algorithm::Strips => {
                let behind = Behind { epilogue: &Epilogue::default(), moments: None };
                strips(&d, plan, Source::Stored(grad_output), [grad_output, weight, grad_input], behind, true)
            }
            Algorithm::StripsStride2 => grad_input_stride2(&d, plan, grad_output, weight, grad_input),
            Algorithm::General => grad_input_general(&d, plan, grad_output, weight, grad_input),
        }
    })?;
    Ok(grad_input)
}

/// Refuses what is not depthwise, and what the device's loops cannot sum.
fn check(gpu: &Gpu, d: &Conv2dDims) -> Result<()> {
    if d.attrs.groups != d.c_in || d.c_out != d.c_in {
        let message =
            format!("{} groups for {} channels in and {} out: all three must be equal, else use conv2d", d.attrs.groups, d.c_in, d.c_out);
        return Err(Error::shape("depthwise_conv2d", message));
    }
    if !gpu.capabilities().loops(d.kernel_h * (d.kernel_w + 2)) {
        let message = format!("a window of {}×{} is too large for {}", d.kernel_h, d.kernel_w, gpu.capabilities().name);
        return Err(Error::shape("depthwise_conv2d", message));
    }
    Ok(())
}

/// What the forward kernels read and write: images of the source, weight, what follows or the norm before (never both), output.
fn buffers<'a>(source: Source<'a>, [input, weight, output]: [&'a Tensor; 3], behind: Behind<'a>, none: &'a Tensor) -> [&'a Buffer; 8] {
    let [bias, scale, stats] = source.behind(behind.epilogue, weight);
    let moments = behind.moments.unwrap_or(none).buffer();
    [input.buffer(), input.buffer(), weight.buffer(), bias, scale, stats, output.buffer(), moments]
}

/// The convolution that keeps the size, or its input gradient.
fn strips(d: &Conv2dDims, plan: Plan, source: Source, tensors: [&Tensor; 3], behind: Behind, flip: bool) -> Result<()> {
    let cut = cut(d, Algorithm::Strips);
    let [planes, c, height, width, dilation, strip, strips] =
        [d.n * d.c_in, d.c_in, d.h_in, d.w_in, d.attrs.dilation, cut.strip, cut.strips].map(|v| v as u32);
    let [has_bias, has_scale] = behind.epilogue.flags();
    // What is not written is bound to an array of nobody's.
    let none = Tensor::empty(tensors[0].gpu(), [4])?;
    tensors[0].gpu().launch(&Launch {
        plan: plan.with([source.constant(), behind.constant()]),
        params: &Depthwise3x3Params { planes, c, height, width, dilation, strip, strips, flip: flip.into(), has_bias, has_scale },
        buffers: &buffers(source, tensors, behind, &none),
        cost: behind.cost(d),
    })
}

fn strips_stride2(d: &Conv2dDims, plan: Plan, source: Source, tensors: [&Tensor; 3], behind: Behind) -> Result<()> {
    let cut = cut(d, Algorithm::StripsStride2);
    let [planes, c, h_in, w_in, h_out, w_out, strip, strips] =
        [d.n * d.c_in, d.c_in, d.h_in, d.w_in, d.h_out, d.w_out, cut.strip, cut.strips].map(|v| v as u32);
    let [has_bias, has_scale] = behind.epilogue.flags();
    // What is not written is bound to an array of nobody's.
    let none = Tensor::empty(tensors[0].gpu(), [4])?;
    tensors[0].gpu().launch(&Launch {
        plan: plan.with([source.constant(), behind.constant()]),
        params: &Depthwise3x3Stride2Params { planes, c, h_in, w_in, h_out, w_out, strip, strips, has_bias, has_scale },
        buffers: &buffers(source, tensors, behind, &none),
        cost: behind.cost(d),
    })
}

fn grad_input_stride2(d: &Conv2dDims, plan: Plan, grad_output: &Tensor, weight: &Tensor, grad_input: &Tensor) -> Result<()> {
    let cut = cut(d, Algorithm::StripsStride2);
    let [planes, c, h_in, w_in, h_out, w_out, strip, strips] =
        [d.n * d.c_in, d.c_in, d.h_in, d.w_in, d.h_out, d.w_out, cut.strip, cut.strips].map(|v| v as u32);
    grad_output.gpu().launch(&Launch {
        plan,
        params: &DepthwiseGradInput3x3Stride2Params { planes, c, h_in, w_in, h_out, w_out, strip, strips },
        buffers: &[grad_output.buffer(), grad_output.buffer(), weight.buffer(), grad_input.buffer()],
        cost: d.cost(),
    })
}

fn general(d: &Conv2dDims, plan: Plan, input: &Tensor, weight: &Tensor, epilogue: &Epilogue, output: &Tensor) -> Result<()> {
    let [n, c, h_in, w_in, _, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, _] = d.words();
    let (planes, [has_bias, has_scale]) = (n * c, epilogue.flags());
    let params =
        DepthwiseParams { planes, c, h_in, w_in, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, has_bias, has_scale };
    input.gpu().launch(&Launch {
        plan,
        params: &params,
        buffers: &[input, weight, epilogue.bias.unwrap_or(weight), epilogue.scale.unwrap_or(weight), output].map(Tensor::buffer),
        cost: d.cost(),
    })
}

fn grad_input_general(d: &Conv2dDims, plan: Plan, grad_output: &Tensor, weight: &Tensor, grad_input: &Tensor) -> Result<()> {
    let [n, c, h_in, w_in, _, h_out, w_out, kernel_h, kernel_w, _, padding, dilation, _] = d.words();
    grad_output.gpu().launch(&Launch {
        plan,
        params: &DepthwiseGradInputParams { planes: n * c, c, h_in, w_in, h_out, w_out, kernel_h, kernel_w, padding, dilation },
        buffers: &[grad_output.buffer(), weight.buffer(), grad_input.buffer()],
        cost: d.cost(),
    })
}
