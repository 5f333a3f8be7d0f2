//! Host twin of `layer_norm`: each row with mean 0 and variance 1, scaled and shifted. The mean is kept as the distance from the row's
//! first element.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::lane_sums;

params!(
    /// Rows, values of each, invocations that share one, and what is added to the variance.
    LayerNormParams for "layer_norm" { rows: u32, c: u32, team: u32, eps: f32 }
);

pub(super) fn layer_norm(job: &Job<LayerNormParams>, [input, weight, bias]: Inputs<3>, [output, stats]: Outputs<2>) {
    let (c, all, eps) = (job.params.c as usize, (job.params.rows * job.params.c) as usize, job.params.eps);
    let line = [&weight[..c], &bias[..c]];
    let own = items_a_task(c);
    let rows = output[..all].par_chunks_mut(own * c).zip(input[..all].par_chunks(own * c)).zip(stats.par_chunks_mut(2 * own));
    rows.for_each(|((output, input), stats)| dispatch!(level(), simd => of_rows(simd, input, line, eps, output, stats)));
}

#[simd]
fn of_rows<S: Simd>(simd: S, input: &[f32], [weight, bias]: [&[f32]; 2], eps: f32, output: &mut [f32], stats: &mut [f32]) {
    let count = weight.len() as f32;
    let rows = output.chunks_exact_mut(weight.len()).zip(input.chunks_exact(weight.len()));
    for ((output, input), stats) in rows.zip(stats.as_chunks_mut::<2>().0) {
        let shift = input[0];
        let [sum] = lane_sums(simd, [input], |[x]| [x - shift]);
        let mean = sum / count;
        let [squares] = lane_sums(simd, [input], |[x]| [(x - shift - mean) * (x - shift - mean)]);
        let invstd = 1.0 / (squares / count + eps).sqrt();
        for ((y, x), (weight, bias)) in output.iter_mut().zip(input).zip(weight.iter().zip(bias)) {
            *y = (x - shift - mean) * invstd * weight + bias;
        }
        *stats = [mean, invstd];
    }
}
