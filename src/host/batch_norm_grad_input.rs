//! Host twin of `batch_norm_grad_input`: ∂L/∂x = weight·invstd·(dz − (grad_bias + x̂·grad_weight)/count).

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::{CHUNK, items_a_task};
use super::shared::functions::{activate_derivative, for_kind};
use super::shared::level::level;

params!(
    /// As [`super::batch_norm::BatchNormParams`]; `inverse_count` is 1/(n·h·w) in training and 0 in evaluation.
    BatchNormGradInputParams for "batch_norm_grad_input" {
        planes: u32, c: u32, plane: u32, step: u32, chunks: u32, lanes: u32, inverse_count: f32,
    }
);

pub(super) fn batch_norm_grad_input(
    job: &Job<BatchNormGradInputParams>,
    [input, grad_output, stats, weight, bias, grad_weight, grad_bias]: Inputs<7>,
    [grad_input]: Outputs<1>,
) {
    let (planes, c, plane) = (job.params.planes as usize, job.params.c as usize, job.elements(job.params.plane));
    let (code, inverse_count) = (job.constant("KIND"), job.params.inverse_count);
    let sides = input.par_chunks_exact(plane).zip(grad_output.par_chunks_exact(plane));
    let planes = grad_input[..planes * plane].par_chunks_exact_mut(plane).zip(sides).enumerate();
    planes.with_min_len(items_a_task(plane)).for_each(|(i, (grad_input, (input, grad_output)))| {
        let channel = i % c;
        let [shift, rest, invstd, _] = stats.as_chunks::<4>().0[channel];
        let line = [shift, rest, invstd, weight[channel], bias[channel]];
        let means = [grad_bias[channel] * inverse_count, grad_weight[channel] * inverse_count];
        let sides = input.par_chunks(CHUNK).zip(grad_output.par_chunks(CHUNK));
        grad_input.par_chunks_mut(CHUNK).zip(sides).for_each(|(grad_input, (input, grad_output))| {
            for_kind!(code, KIND => dispatch!(level(), simd => of_chunk::<_, KIND>(simd, [input, grad_output], line, means, code, grad_input)));
        });
    });
}

#[simd]
fn of_chunk<S: Simd, const KIND: u32>(
    _: S,
    [input, grad_output]: [&[f32]; 2],
    [shift, rest, invstd, weight, bias]: [f32; 5],
    [mean_dz, slope]: [f32; 2],
    code: u32,
    grad_input: &mut [f32],
) {
    for (dx, (&x, &dy)) in grad_input.iter_mut().zip(input.iter().zip(grad_output)) {
        let standard = (x - shift - rest) * invstd;
        let dz = dy * activate_derivative::<KIND>(standard * weight + bias, code);
        *dx = weight * invstd * (dz - mean_dz - standard * slope);
    }
}
