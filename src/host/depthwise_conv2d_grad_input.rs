//! Host twin of `depthwise_conv2d_grad_input`: a convolution of stride 1 with reversed taps and zeros between the pixels of ∂L/∂y.
//! The constant `STRIDE` is the forward pass's.

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::epilogue::Epilogue;
use super::shared::extents::Extents;
use super::shared::operands::with_operands;
use super::shared::planes::convolve;

params!(
    /// Extents of `depthwise_conv2d_grad_input`.
    DepthwiseGradInputParams for "depthwise_conv2d_grad_input" {
        planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32, padding: u32, dilation: u32,
    }
);

pub(super) fn depthwise_conv2d_grad_input(job: &Job<DepthwiseGradInputParams>, [grad_output, weight]: Inputs<2>, [grad_input]: Outputs<1>) {
    let (p, stride) = (&job.params, job.constant("STRIDE"));
    let sides = [p.h_in, p.w_in, p.h_out, p.w_out];
    let e = Extents::depthwise([p.planes / p.c, p.c], sides, [p.kernel_h, p.kernel_w], [stride, p.padding, p.dilation]);
    with_operands(job.is_half(), [&grad_output[..e.outputs()], &weight[..e.weights()]], |[grad_output, weight]| {
        convolve(&e.transposed(), e.groups, grad_output, weight, &Epilogue::NONE, &mut grad_input[..e.inputs()]);
    });
}
