//! Host twin of `depthwise_conv2d_grad_weight`: one sum a tap and channel over its planes, in one span.

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::extents::Extents;
use super::shared::operands::with_operands;
use super::shared::planes::grad_weight;

params!(
    /// Extents of `depthwise_conv2d_grad_weight`, and the spans.
    DepthwiseGradWeightParams for "depthwise_conv2d_grad_weight" {
        n: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, spans: u32,
    }
);

pub(super) fn depthwise_conv2d_grad_weight(job: &Job<DepthwiseGradWeightParams>, [input, grad_output]: Inputs<2>, [partials]: Outputs<1>) {
    let p = &job.params;
    let sides = [p.h_in, p.w_in, p.h_out, p.w_out];
    let e = Extents::depthwise([p.n, p.c], sides, [p.kernel_h, p.kernel_w], [p.stride, p.padding, p.dilation]);
    let sums = &mut partials[..e.weights()];
    with_operands(job.is_half(), [&input[..e.inputs()], &grad_output[..e.outputs()]], |[input, grad_output]| {
        grad_weight(&e.forward(), [e.n, e.groups], input, grad_output, sums);
    });
}
