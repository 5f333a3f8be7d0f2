//! Weight gradient of a depthwise convolution: one sum over images and pixels a tap and channel, cut into spans that are added in order.

use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch, Parameters, Plan};
use crate::host::depthwise_conv2d_grad_weight::DepthwiseGradWeightParams;
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::depthwise_conv2d::select::{cut, grad_weight_plan};
use crate::kernels::depthwise_conv2d::{Algorithm, check, reads_through, select};
use crate::kernels::image_groups::sum_over_images;
use crate::kernels::params;
use crate::kernels::source::Source;
use crate::kernels::strips::Strips;
use crate::kernels::sum_partials::sum_partials;
use crate::tensor::{Shape, Tensor};

params!(
    /// Extents of `depthwise_conv2d_grad_weight_3x3`, the rows of a strip, strips of a plane's phase, and spans.
    GradWeight3x3Params for "depthwise_conv2d_grad_weight_3x3" {
        n: u32, c: u32, height: u32, width: u32, dilation: u32, strip: u32, strips: u32, spans: u32,
    }
);

params!(
    /// Extents of `depthwise_conv2d_grad_weight_3x3_stride2`, the rows of a strip, strips of a plane, and spans.
    GradWeight3x3Stride2Params for "depthwise_conv2d_grad_weight_3x3_stride2" {
        n: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, strip: u32, strips: u32, spans: u32,
    }
);

/// ∂L/∂w from ∂L/∂y and x.
///
/// # Shapes
/// input `[n, c, h_in, w_in]` and grad_output `[n, c, h_out, w_out]` with the extents of `dims`; result `[c, 1, kernel_h, kernel_w]`.
///
/// # Errors
/// Shapes that do not fit or are not depthwise; out of memory.
pub fn depthwise_conv2d_grad_weight(dims: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    depthwise_conv2d_grad_weight_of_source(dims, Source::Stored(input), grad_output)
}

/// As [`depthwise_conv2d_grad_weight`] of [`depthwise_conv2d_of_source`](super::depthwise_conv2d_of_source).
///
/// # Errors
/// Those of both.
pub fn depthwise_conv2d_grad_weight_of_source(dims: &Conv2dDims, source: Source, grad_output: &Tensor) -> Result<Tensor> {
    let input = source.input();
    check(input.gpu(), dims)?;
    source.check("depthwise_conv2d_grad_weight", dims.c_in, |able| reads_through(able, dims))?;
    dims.expect_input("depthwise_conv2d_grad_weight", input.shape())?;
    dims.expect_output("depthwise_conv2d_grad_weight", grad_output)?;
    sum_over_images("depthwise_conv2d_grad_weight", [input, grad_output], |[input, grad_output]| {
        let d = dims.of_images(input);
        let able = input.gpu().capabilities();
        let plan = grad_weight_plan(able, &d);
        match select(able, &d) {
            Algorithm::Strips => strips(&d, plan, source, [input, grad_output]),
            Algorithm::StripsStride2 => strips_stride2(&d, plan, source, [input, grad_output]),
            Algorithm::General => general(&d, plan, input, grad_output),
        }
    })
}

/// Launches a kernel that sums its spans, and adds them in order.
fn summed(d: &Conv2dDims, gpu: &Gpu, buffers: &[&Buffer], plan: Plan, params: &dyn Parameters) -> Result<Tensor> {
    let (partials, spans) = (Tensor::empty(gpu, [plan.scratch])?, plan.scratch / d.weight_len());
    let buffers = [buffers, &[partials.buffer()]].concat();
    gpu.launch(&Launch { plan, params, buffers: &buffers, cost: d.cost() })?;
    sum_partials(&partials, spans, &Shape::from([d.c_out, 1, d.kernel_h, d.kernel_w]))
}

/// Images of the source twice, the gradient, and the norm before.
fn buffers<'a>(source: Source<'a>, [input, grad_output]: [&'a Tensor; 2]) -> [&'a Buffer; 6] {
    let [bias, scale, stats] = source.norm(input);
    [input.buffer(), input.buffer(), grad_output.buffer(), bias, scale, stats]
}

fn strips(d: &Conv2dDims, plan: Plan, source: Source, tensors: [&Tensor; 2]) -> Result<Tensor> {
    let (Strips { strip, strips }, spans) = (cut(d, Algorithm::Strips), plan.scratch / d.weight_len());
    let [n, c, height, width, dilation, strip, strips, spans] =
        [d.n, d.c_in, d.h_in, d.w_in, d.attrs.dilation, strip, strips, spans].map(|v| v as u32);
    let params = GradWeight3x3Params { n, c, height, width, dilation, strip, strips, spans };
    summed(d, tensors[0].gpu(), &buffers(source, tensors), plan.with([source.constant()]), &params)
}

fn strips_stride2(d: &Conv2dDims, plan: Plan, source: Source, tensors: [&Tensor; 2]) -> Result<Tensor> {
    let (Strips { strip, strips }, spans) = (cut(d, Algorithm::StripsStride2), plan.scratch / d.weight_len());
    let [n, c, h_in, w_in, h_out, w_out, strip, strips, spans] =
        [d.n, d.c_in, d.h_in, d.w_in, d.h_out, d.w_out, strip, strips, spans].map(|v| v as u32);
    let params = GradWeight3x3Stride2Params { n, c, h_in, w_in, h_out, w_out, strip, strips, spans };
    summed(d, tensors[0].gpu(), &buffers(source, tensors), plan.with([source.constant()]), &params)
}

fn general(d: &Conv2dDims, plan: Plan, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    let [n, c, h_in, w_in, _, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, _] = d.words();
    let spans = (plan.scratch / d.weight_len()) as u32;
    let params = DepthwiseGradWeightParams { n, c, h_in, w_in, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, spans };
    summed(d, input.gpu(), &[input.buffer(), grad_output.buffer()], plan, &params)
}
