//! Weight gradient of a depthwise convolution: one sum over images and pixels a tap and channel, cut into spans that are added in order.

use crate::error::Result;
use crate::gpu::shader::Variant;
use crate::gpu::{Kernel, Launch, groups_1d};
use crate::host::depthwise_conv2d_grad_weight::DepthwiseGradWeightParams;
use crate::kernels::conv2d::Conv2dDims;
use crate::kernels::depthwise_conv2d::select::sides;
use crate::kernels::depthwise_conv2d::{Algorithm, check, select};
use crate::kernels::image_groups::sum_over_images;
use crate::kernels::params;
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

/// Invocations of a workgroup.
const GROUP: usize = 64;

/// Spans of `tasks` that keep the device busy with `sums` workgroups a span, each invocation with a task of its own, and no invocation
/// with more trips than the device's loops take.
fn spans(loop_trips: Option<usize>, sums: usize, tasks: usize, trips_a_task: usize) -> usize {
    let fewest = loop_trips.map_or(1, |most| (tasks.div_ceil(GROUP) * trips_a_task).div_ceil(most - trips_a_task));
    2048usize.div_ceil(sums).min(tasks / GROUP).max(fewest).max(1)
}

/// ∂L/∂w from ∂L/∂y and x.
///
/// # Shapes
/// input `[n, c, h_in, w_in]` and grad_output `[n, c, h_out, w_out]` with the extents of `dims`; result `[c, 1, kernel_h, kernel_w]`.
///
/// # Errors
/// Shapes that do not fit or are not depthwise; out of memory.
pub fn depthwise_conv2d_grad_weight(dims: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    check(input.gpu(), dims)?;
    dims.expect_input("depthwise_conv2d_grad_weight", input)?;
    dims.expect_output("depthwise_conv2d_grad_weight", grad_output)?;
    sum_over_images("depthwise_conv2d_grad_weight", [input, grad_output], |[input, grad_output]| {
        let d = dims.of_images(input);
        match select(input.gpu().capabilities(), &d) {
            Algorithm::Strips => strips(&d, input, grad_output),
            Algorithm::StripsStride2 => strips_stride2(&d, input, grad_output),
            Algorithm::General => general(&d, input, grad_output),
        }
    })
}

/// Launches a kernel that sums `spans` spans with `sums` workgroups each, and adds the spans in order.
fn summed(d: &Conv2dDims, tensors: &[&Tensor], kernel: Kernel, variant: Variant, [spans, sums]: [usize; 2]) -> Result<Tensor> {
    let gpu = tensors[0].gpu();
    let partials = Tensor::empty(gpu, [spans * d.weight_len()])?;
    let buffers: Vec<_> = tensors.iter().copied().chain([&partials]).map(Tensor::buffer).collect();
    gpu.launch(&Launch { kernel, variant, buffers: &buffers, groups: groups_1d(spans * sums), cost: d.cost() })?;
    sum_partials(&partials, spans, &Shape::from([d.c_out, 1, d.kernel_h, d.kernel_w]))
}

fn strips(d: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    let capabilities = input.gpu().capabilities();
    let dilation = d.attrs.dilation;
    let columns = d.n * dilation.min(d.h_in) * d.w_in.div_ceil(4);
    let Strips { strip, strips } = Strips::new(d.h_in.div_ceil(dilation), columns * d.c_in);
    let spans = spans(capabilities.loop_trips, d.c_in, columns * strips, strip + 3);
    let [n, c, height, width, dilation_u32, strip, strips, spans_u32] =
        [d.n, d.c_in, d.h_in, d.w_in, dilation, strip, strips, spans].map(|v| v as u32);
    let params = GradWeight3x3Params { n, c, height, width, dilation: dilation_u32, strip, strips, spans: spans_u32 };
    let variant = Variant { consts: vec![("SIDES", sides(dilation))], scalar: !d.w_in.is_multiple_of(4) };
    summed(d, &[input, input, grad_output], Kernel::of(&params), variant, [spans, d.c_in])
}

fn strips_stride2(d: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    let capabilities = input.gpu().capabilities();
    let columns = d.n * d.w_out.div_ceil(4);
    let Strips { strip, strips } = Strips::new(d.h_out, columns * d.c_in);
    let spans = spans(capabilities.loop_trips, d.c_in, columns * strips, strip + 2);
    let [n, c, h_in, w_in, h_out, w_out, strip, strips, spans_u32] =
        [d.n, d.c_in, d.h_in, d.w_in, d.h_out, d.w_out, strip, strips, spans].map(|v| v as u32);
    let params = GradWeight3x3Stride2Params { n, c, h_in, w_in, h_out, w_out, strip, strips, spans: spans_u32 };
    let variant = Variant { consts: Vec::new(), scalar: !d.w_in.is_multiple_of(8) };
    summed(d, &[input, input, grad_output], Kernel::of(&params), variant, [spans, d.c_in])
}

fn general(d: &Conv2dDims, input: &Tensor, grad_output: &Tensor) -> Result<Tensor> {
    let capabilities = input.gpu().capabilities();
    let (sums, tasks) = (d.weight_len(), d.n * d.h_out * d.w_out.div_ceil(4));
    let spans = if capabilities.is_host() { 1 } else { spans(capabilities.loop_trips, sums, tasks, 1) };
    let [n, c, h_in, w_in, _, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, _] = d.words();
    let spans_u32 = spans as u32;
    let params =
        DepthwiseGradWeightParams { n, c, h_in, w_in, h_out, w_out, kernel_h, kernel_w, stride, padding, dilation, spans: spans_u32 };
    let variant = Variant::default();
    summed(d, &[input, grad_output], Kernel::of(&params), variant, [spans, sums])
}

#[cfg(test)]
mod tests {
    use super::spans;

    #[test]
    fn spans_keep_devices_busy_and_loops_short() {
        assert_eq!(spans(None, 728, 8 * 8 * 2, 19), 2);
        assert_eq!(spans(None, 4096, 512, 67), 1);
        assert_eq!(spans(None, 728, 4, 9), 1);
        let many = spans(Some(60_000), 4096, 100_000_000, 67);
        assert!(100_000_000usize.div_ceil(many).div_ceil(64) * 67 <= 60_000);
    }
}
