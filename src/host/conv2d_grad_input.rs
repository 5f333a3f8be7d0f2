//! Host twin of `conv2d_grad_input`: ∂L/∂x from ∂L/∂y, and the forward pass of `conv_transpose2d` with its bias. The transposed sums are a
//! convolution with the channels' roles swapped, taps reversed, and zeros between the pixels of ∂L/∂y where the stride is not 1.

use super::conv2d::Conv2dParams;
use super::job::{Inputs, Job, Outputs};
use super::shared::epilogue::Epilogue;
use super::shared::extents::Extents;
use super::shared::matrix::{Side, product};
use super::shared::patches::Patches;
use super::shared::scratch::with_scratch;
use super::shared::shifted::convolve;

pub(super) fn conv2d_grad_input(job: &Job<Conv2dParams>, [grad_output, weight, bias]: Inputs<3>, [grad_input]: Outputs<1>) {
    let e = Extents::from(&job.params);
    let bias = (job.params.has_bias != 0).then(|| &bias[..e.groups * e.c_in]);
    let (grad_output, weight, grad_input) = (&grad_output[..e.outputs()], &weight[..e.weights()], &mut grad_input[..e.inputs()]);
    let finish = Epilogue { bias, activation: 0 };
    let Some(patches) = Patches::of(&e) else {
        return convolve(&e.transposed(), [e.n, e.groups], grad_output, weight, &finish, grad_input);
    };
    // [c_in · taps, c_out] · [c_out, pixels]
    let (rows, depth, columns) = (e.c_in * e.taps(), e.c_out, e.h_out * e.w_out);
    let weights = Side { values: weight, row: 1, column: rows };
    let pixels = Side { values: grad_output, row: columns, column: 1 };
    if patches.is_identity() {
        return product([e.n, e.groups], [rows, depth, columns], weights, pixels, &finish, grad_input);
    }
    with_scratch(e.n * e.groups * rows * columns, |gathered| {
        product([e.n, e.groups], [rows, depth, columns], weights, pixels, &Epilogue::NONE, gathered);
        patches.scatter(gathered, bias, grad_input);
    });
}
