//! Host twin of `conv2d_grad_input`: ∂L/∂x from ∂L/∂y, and the forward pass of `conv_transpose2d` with its bias. The transposed sums are a
//! convolution with the channels' roles swapped, taps reversed, and zeros between the pixels of ∂L/∂y where the stride is not 1; where
//! windows do not overlap, a matrix product whose rows go to their places.

use rayon::prelude::*;

use super::conv2d::Conv2dParams;
use super::job::{Inputs, Job, Outputs};
use super::shared::epilogue::Epilogue;
use super::shared::extents::Extents;
use super::shared::matrix::{Side, multiply, product};
use super::shared::operands::with_operands;
use super::shared::parts::Parts;
use super::shared::patches::Patches;
use super::shared::scratch::with_scratch;
use super::shared::shifted::convolve;

pub(super) fn conv2d_grad_input(job: &Job<Conv2dParams>, [grad_output, weight, bias]: Inputs<3>, [grad_input]: Outputs<1>) {
    let e = Extents::from(&job.params);
    let bias = (job.params.has_bias != 0).then(|| &bias[..e.groups * e.c_in]);
    let (grad_input, finish) = (&mut grad_input[..e.inputs()], Epilogue { bias, ..Epilogue::NONE });
    let operands = [&grad_output[..e.outputs()], &weight[..e.weights()]];
    with_operands(job.is_half(), operands, |[grad_output, weight]| {
        // [c_in · taps, c_out] · [c_out, pixels]
        let (rows, depth, columns) = (e.c_in * e.taps(), e.c_out, e.h_out * e.w_out);
        let (left, right) = (Side::columns(weight, rows), Side::rows(grad_output, columns));
        match Patches::of(&e) {
            None => convolve(&e.transposed(), [e.n, e.groups], grad_output, weight, &finish, grad_input),
            Some(patches) if patches.is_identity() => product([e.n, e.groups], [rows, depth, columns], left, right, &finish, grad_input),
            Some(patches) if patches.has_small_weights() => by_bands(&e, &patches, grad_output, weight, bias, grad_input),
            Some(patches) => with_scratch(e.n * e.groups * rows * columns, |gathered| {
                product([e.n, e.groups], [rows, depth, columns], left, right, &Epilogue::NONE, gathered);
                patches.scatter(gathered, bias, grad_input);
            }),
        }
    });
}

/// The product and its scattering, a band of output rows a task.
fn by_bands(e: &Extents, patches: &Patches, grad_output: &[f32], weight: &[f32], bias: Option<&[f32]>, grad_input: &mut [f32]) {
    let (rows, grad_input) = (e.c_in * e.taps(), Parts::new(grad_input));
    (0..patches.bands()).into_par_iter().for_each(|number| {
        let band = patches.band(number);
        let columns = band.rows * e.w_out;
        with_scratch(rows * columns, |gathered| {
            let left = Side::columns(&weight[band.unit % e.groups * e.c_out * rows..], rows);
            let first = (band.unit * e.c_out * e.h_out + band.first) * e.w_out;
            let right = Side::rows(&grad_output[first..], e.h_out * e.w_out);
            multiply([rows, e.c_out, columns], left, right, gathered, false);
            patches.scatter_band(&band, gathered, bias, &grad_input);
        });
    });
}
