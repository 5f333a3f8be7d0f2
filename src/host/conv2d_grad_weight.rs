//! Host twin of `conv2d_grad_weight`: ∂L/∂w from x and ∂L/∂y, in one span. Windows that do not overlap are matrix products over their
//! patches; 3×3 windows over few channels have the pixels in the lanes, all others the channels.

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::extents::Extents;
use super::shared::matrix::{Side, multiply, product_over_images};
use super::shared::operands::with_operands;
use super::shared::patches::Patches;
use super::shared::scratch::with_scratch;
use super::shared::{grad_weight_narrow, grad_weight_wide};
use rayon::prelude::*;

params!(
    /// Extents of `conv2d_grad_weight` and the number of spans that its output pixels are split into.
    Conv2dGradWeightParams for "conv2d_grad_weight", "conv2d_grad_weight_coop", "conv2d_grad_weight_narrow", "conv2d_grad_weight_tile",
    "conv2d_winograd_grad_weight" {
        n: u32, c_in: u32, h_in: u32, w_in: u32, c_out: u32, h_out: u32, w_out: u32, kernel_h: u32, kernel_w: u32,
        stride: u32, padding: u32, dilation: u32, groups: u32, spans: u32,
    }
);

/// Parts that the sums of small weights are taken in; more of them than threads.
const PARTS: usize = 16;
/// Input channels from which they fill the lanes.
const WIDE: usize = 16;

pub(super) fn conv2d_grad_weight(job: &Job<Conv2dGradWeightParams>, [input, grad_output]: Inputs<2>, [partials]: Outputs<1>) {
    let e = Extents::from(&job.params);
    let operands = [&input[..e.inputs()], &grad_output[..e.outputs()]];
    with_operands(job.is_half(), operands, |operands| grad_weight(&e, operands, &mut partials[..e.weights()]));
}

fn grad_weight(e: &Extents, [input, grad_output]: [&[f32]; 2], grad_weight: &mut [f32]) {
    let Some(patches) = Patches::of(e) else {
        let window = e.forward();
        let narrow = e.c_in < WIDE && [e.kernel_h, e.kernel_w, e.stride, e.padding, e.dilation] == [3, 3, 1, 1, 1];
        let of_group = if narrow { grad_weight_narrow::grad_weight } else { grad_weight_wide::grad_weight };
        for (group, grad_weight) in grad_weight.chunks_exact_mut(e.weights() / e.groups).enumerate() {
            of_group(&window, [e.n, e.groups, group], input, grad_output, grad_weight);
        }
        return;
    };
    if patches.has_small_weights() {
        return by_bands(e, &patches, input, grad_output, grad_weight);
    }
    // Σ over images of [c_out, pixels] · [pixels, c_in · taps]
    let (rows, depth, columns) = (e.c_out, e.h_out * e.w_out, e.c_in * e.taps());
    let mut multiply = |patches: &[f32]| {
        let (left, right) = (Side::rows(grad_output, depth), Side::columns(patches, depth));
        product_over_images([e.n, e.groups], [rows, depth, columns], left, right, grad_weight);
    };
    if patches.is_identity() {
        return multiply(input);
    }
    with_scratch(e.n * e.groups * depth * columns, |gathered| {
        patches.gather(input, gathered);
        multiply(gathered);
    });
}

/// The products of bands of output rows, dealt out to a fixed number of parts whose sums are added in order.
fn by_bands(e: &Extents, patches: &Patches, input: &[f32], grad_output: &[f32], grad_weight: &mut [f32]) {
    let (taps, pixels) = (e.c_in * e.taps(), e.h_out * e.w_out);
    let (bands, parts) = (patches.bands(), patches.bands().min(PARTS));
    let all = grad_weight.len();
    with_scratch(parts * all, |sums| {
        sums.par_chunks_exact_mut(all).enumerate().for_each(|(part, sums)| {
            sums.fill(0.0);
            for band in (part * bands / parts..(part + 1) * bands / parts).map(|number| patches.band(number)) {
                let (columns, group) = (band.rows * e.w_out, band.unit % e.groups);
                let left = Side::rows(&grad_output[band.unit * e.c_out * pixels + band.first * e.w_out..], pixels);
                let sums = &mut sums[group * e.c_out * taps..][..e.c_out * taps];
                let mut multiply = |right: Side| multiply([e.c_out, columns, taps], left, right, sums, true);
                if patches.is_identity() {
                    multiply(Side::columns(&input[band.unit * e.c_in * pixels + band.first * e.w_out..], pixels));
                } else {
                    with_scratch(taps * columns, |gathered| {
                        patches.gather_band(&band, input, gathered);
                        multiply(Side::columns(gathered, columns));
                    });
                }
            }
        });
        grad_weight.copy_from_slice(&sums[..all]);
        sums[all..].chunks_exact(all).for_each(|part| grad_weight.iter_mut().zip(part).for_each(|(sum, own)| *sum += own));
    });
}
