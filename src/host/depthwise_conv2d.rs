//! Host twin of `depthwise_conv2d`: y = act((x ∗ w)·scale + bias) a channel at a time, any window.

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::epilogue::Epilogue;
use super::shared::extents::Extents;
use super::shared::operands::with_operands;
use super::shared::planes::convolve;

params!(
    /// Extents of `depthwise_conv2d`.
    DepthwiseParams for "depthwise_conv2d" {
        planes: u32, c: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, has_bias: u32, has_scale: u32,
    }
);

pub(super) fn depthwise_conv2d(job: &Job<DepthwiseParams>, [input, weight, bias, scale]: Inputs<4>, [output]: Outputs<1>) {
    let p = &job.params;
    let sides = [p.h_in, p.w_in, p.h_out, p.w_out];
    let e = Extents::depthwise([p.planes / p.c, p.c], sides, [p.kernel_h, p.kernel_w], [p.stride, p.padding, p.dilation]);
    let bias = (job.params.has_bias != 0).then(|| &bias[..e.groups]);
    let scale = (job.params.has_scale != 0).then(|| &scale[..e.groups]);
    let finish = Epilogue { scale, bias, activation: job.constant("ACTIVATION") };
    with_operands(job.is_half(), [&input[..e.inputs()], &weight[..e.weights()]], |[input, weight]| {
        convolve(&e.forward(), e.groups, input, weight, &finish, &mut output[..e.outputs()]);
    });
}
