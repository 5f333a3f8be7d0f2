//! Host twin of `normalize_grad_input`: ∂L/∂x = (∂L/∂y − y·Σ ∂L/∂y·y) / ‖x‖₂.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::normalize::NormalizeParams;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::lane_sums;

pub(super) fn normalize_grad_input(job: &Job<NormalizeParams>, [output, lengths, grad_output]: Inputs<3>, [grad_input]: Outputs<1>) {
    let (c, rows, eps) = (job.params.c as usize, job.params.rows as usize, job.params.eps);
    let own = items_a_task(c);
    let sides = output[..rows * c].par_chunks(own * c).zip(grad_output[..rows * c].par_chunks(own * c)).zip(lengths.par_chunks(own));
    grad_input[..rows * c].par_chunks_mut(own * c).zip(sides).for_each(|(grad_input, ((output, grad_output), lengths))| {
        dispatch!(level(), simd => of_rows(simd, [output, grad_output], lengths, c, eps, grad_input));
    });
}

#[simd]
fn of_rows<S: Simd>(simd: S, [output, grad_output]: [&[f32]; 2], lengths: &[f32], c: usize, eps: f32, grad_input: &mut [f32]) {
    let sides = output.chunks_exact(c).zip(grad_output.chunks_exact(c)).zip(lengths);
    for (grad_input, ((output, grad_output), &length)) in grad_input.chunks_exact_mut(c).zip(sides) {
        let [product] = lane_sums(simd, [output, grad_output], |[y, dy]| [y * dy]);
        let (along, factor) = (if length > eps { product } else { 0.0 }, 1.0 / length.max(eps));
        grad_input.iter_mut().zip(output.iter().zip(grad_output)).for_each(|(dx, (y, dy))| *dx = (dy - along * y) * factor);
    }
}
