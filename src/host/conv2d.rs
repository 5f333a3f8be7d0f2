//! Host twin of `conv2d`: y = act(x ∗ w + b) of any window. Windows that do not overlap are matrix products over their patches, all others
//! a product over shifted rows of a padded copy.

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::epilogue::Epilogue;
use super::shared::extents::Extents;
use super::shared::matrix::{Side, product};
use super::shared::patches::Patches;
use super::shared::scratch::with_scratch;
use super::shared::shifted::convolve;

params!(
    /// Extents of `conv2d` and `conv2d_grad_input`.
    Conv2dParams for "conv2d", "conv2d_grad_input" {
        n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32,
    }
);

pub(super) fn conv2d(job: &Job<Conv2dParams>, [input, weight, bias]: Inputs<3>, [output]: Outputs<1>) {
    let e = Extents::from(&job.params);
    let bias = (job.params.has_bias != 0).then(|| &bias[..e.groups * e.c_out]);
    let (input, weight, output) = (&input[..e.inputs()], &weight[..e.weights()], &mut output[..e.outputs()]);
    let finish = Epilogue { bias, activation: job.constant("ACTIVATION") };
    let Some(patches) = Patches::of(&e) else {
        return convolve(&e.forward(), [e.n, e.groups], input, weight, &finish, output);
    };
    // [c_out, c_in · taps] · [c_in · taps, pixels]
    let (rows, depth, columns) = (e.c_out, e.c_in * e.taps(), e.h_out * e.w_out);
    let weights = Side { values: weight, row: depth, column: 1 };
    let multiply = |patches: &[f32], output: &mut [f32]| {
        let pixels = Side { values: patches, row: columns, column: 1 };
        product([e.n, e.groups], [rows, depth, columns], weights, pixels, &finish, output);
    };
    if patches.is_identity() {
        return multiply(input, output);
    }
    with_scratch(e.n * e.groups * depth * columns, |gathered| {
        patches.gather(input, gathered);
        multiply(gathered, output);
    });
}
