//! Host twin of `layer_norm_grad_input`: ∂L/∂x = invstd·(g − mean(g) − x̂·mean(g·x̂)), g = ∂L/∂y·weight.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::lane_sums;

params!(
    /// Rows, values of each, and invocations that share one.
    LayerNormGradInputParams for "layer_norm_grad_input" { rows: u32, c: u32, team: u32 }
);

pub(super) fn layer_norm_grad_input(
    job: &Job<LayerNormGradInputParams>,
    [input, grad_output, weight, stats]: Inputs<4>,
    [grad_input]: Outputs<1>,
) {
    let (c, all) = (job.params.c as usize, (job.params.rows * job.params.c) as usize);
    let (weight, own) = (&weight[..c], items_a_task(c));
    let sides = input[..all].par_chunks(own * c).zip(grad_output[..all].par_chunks(own * c)).zip(stats.par_chunks(2 * own));
    grad_input[..all].par_chunks_mut(own * c).zip(sides).for_each(|(grad_input, ((input, grad_output), stats))| {
        dispatch!(level(), simd => of_rows(simd, [input, grad_output], weight, stats, grad_input));
    });
}

#[simd]
fn of_rows<S: Simd>(simd: S, [input, grad_output]: [&[f32]; 2], weight: &[f32], stats: &[f32], grad_input: &mut [f32]) {
    let c = weight.len();
    let rows = grad_input.chunks_exact_mut(c).zip(input.chunks_exact(c).zip(grad_output.chunks_exact(c)));
    for ((grad_input, (input, grad_output)), &[mean, invstd]) in rows.zip(stats.as_chunks::<2>().0) {
        let shift = input[0];
        let standard = |x: f32| (x - shift - mean) * invstd;
        let sums = lane_sums(simd, [input, grad_output, weight], |[x, dy, w]| [dy * w, dy * w * standard(x)]);
        let [mean_g, along] = sums.map(|sum| sum / c as f32);
        for ((dx, w), (&x, dy)) in grad_input.iter_mut().zip(weight).zip(input.iter().zip(grad_output)) {
            *dx = invstd * (dy * w - mean_g - standard(x) * along);
        }
    }
}
