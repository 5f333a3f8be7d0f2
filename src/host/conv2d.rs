//! Host twin of `conv2d`: y = act((x ∗ w)·scale + bias) of any window. Windows that do not overlap are matrix products over their patches,
//! all others a product over shifted rows of a padded copy.

use fearless_simd::dispatch;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::epilogue::Epilogue;
use super::shared::extents::Extents;
use super::shared::level::level;
use super::shared::matrix::{Side, copy_row, multiply, product};
use super::shared::operands::with_operands;
use super::shared::parts::Parts;
use super::shared::patches::Patches;
use super::shared::scratch::with_scratch;
use super::shared::shifted::convolve;

params!(
    /// Extents of `conv2d` and `conv2d_grad_input`.
    Conv2dParams for "conv2d", "conv2d_coop", "conv2d_grad_input", "conv2d_grad_input_coop", "conv2d_grad_input_tile", "conv2d_narrow",
    "conv2d_tile", "conv2d_winograd", "conv2d_winograd_weight" {
        n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, groups: u32, has_bias: u32, has_scale: u32,
    }
);

pub(super) fn conv2d(job: &Job<Conv2dParams>, [input, weight, bias, scale]: Inputs<4>, [output]: Outputs<1>) {
    let e = Extents::from(&job.params);
    let bias = (job.params.has_bias != 0).then(|| &bias[..e.groups * e.c_out]);
    let scale = (job.params.has_scale != 0).then(|| &scale[..e.groups * e.c_out]);
    let (output, finish) = (&mut output[..e.outputs()], Epilogue { scale, bias, activation: job.constant("ACTIVATION") });
    let operands = [&input[..e.inputs()], &weight[..e.weights()]];
    with_operands(job.is_half(), operands, |[input, weight]| match Patches::of(&e) {
        None => convolve(&e.forward(), [e.n, e.groups], input, weight, &finish, output),
        Some(patches) if !patches.is_identity() && patches.has_small_weights() => by_bands(&e, &patches, input, weight, &finish, output),
        Some(patches) => {
            // [c_out, c_in · taps] · [c_in · taps, pixels]
            let (rows, depth, columns) = (e.c_out, e.c_in * e.taps(), e.h_out * e.w_out);
            let mut multiply = |patches: &[f32]| {
                let (left, right) = (Side::rows(weight, depth), Side::rows(patches, columns));
                product([e.n, e.groups], [rows, depth, columns], left, right, &finish, output);
            };
            if patches.is_identity() {
                return multiply(input);
            }
            with_scratch(e.n * e.groups * depth * columns, |gathered| {
                patches.gather(input, gathered);
                multiply(gathered);
            });
        }
    });
}

/// The product over patches, a band of output rows a task.
fn by_bands(e: &Extents, patches: &Patches, input: &[f32], weight: &[f32], finish: &Epilogue, output: &mut [f32]) {
    let (depth, output) = (e.c_in * e.taps(), Parts::new(output));
    (0..patches.bands()).into_par_iter().for_each(|number| {
        let band = patches.band(number);
        let (group, columns) = (band.unit % e.groups, band.rows * e.w_out);
        with_scratch((depth + e.c_out) * columns, |memory| {
            let (gathered, sums) = memory.split_at_mut(depth * columns);
            patches.gather_band(&band, input, gathered);
            let left = Side::rows(&weight[group * e.c_out * depth..], depth);
            multiply([e.c_out, depth, columns], left, Side::rows(gathered, columns), sums, false);
            for (channel, sums) in sums.chunks_exact(columns).enumerate() {
                let at = ((band.unit * e.c_out + channel) * e.h_out + band.first) * e.w_out;
                // SAFETY: every (band, channel) belongs to one task.
                let target = unsafe { output.part(at, columns) };
                dispatch!(level(), simd => copy_row(simd, sums, finish, group * e.c_out + channel, target));
            }
        });
    });
}
