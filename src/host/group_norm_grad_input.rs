//! Host twin of `group_norm_grad_input`: ∂L/∂x = invstd·(weight·dz − mean(weight·dz) − x̂·mean(weight·dz·x̂)), means over the group.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::{CHUNK, items_a_task};
use super::shared::functions::{activate_derivative, for_kind};
use super::shared::level::level;

params!(
    /// Planes of all images as packs, cut into chunks, and planes of a group; `lanes` invocations walk one plane.
    GroupNormGradInputParams for "group_norm_grad_input" { planes: u32, per_group: u32, plane: u32, step: u32, chunks: u32, lanes: u32 }
);

pub(super) fn group_norm_grad_input(
    job: &Job<GroupNormGradInputParams>,
    [input, grad_output, stats, weights, biases, means]: Inputs<6>,
    [grad_input]: Outputs<1>,
) {
    let (planes, per_group, plane) = (job.params.planes as usize, job.params.per_group as usize, job.elements(job.params.plane));
    let code = job.constant("KIND");
    let sides = input.par_chunks_exact(plane).zip(grad_output.par_chunks_exact(plane));
    let planes = grad_input[..planes * plane].par_chunks_exact_mut(plane).zip(sides).enumerate();
    planes.with_min_len(items_a_task(plane)).for_each(|(i, (grad_input, (input, grad_output)))| {
        let [shift, rest, invstd, _] = stats.as_chunks::<4>().0[i];
        let line = [shift, rest, invstd, weights[i], biases[i]];
        let means = means.as_chunks::<2>().0[i / per_group];
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
    [mean, along]: [f32; 2],
    code: u32,
    grad_input: &mut [f32],
) {
    for (dx, (&x, &dy)) in grad_input.iter_mut().zip(input.iter().zip(grad_output)) {
        let standard = (x - shift - rest) * invstd;
        let dz = dy * activate_derivative::<KIND>(standard * weight + bias, code);
        *dx = invstd * (weight * dz - mean - standard * along);
    }
}
