//! Host twin of `softmax_grad_input`: ∂L/∂x = y · (∂L/∂y − Σ ∂L/∂y · y) along one axis.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::parts::Parts;
use super::shared::scratch::with_scratch;
use super::shared::sums::lane_sums;
use super::softmax::{RUN, SoftmaxParams, extents};

pub(super) fn softmax_grad_input(job: &Job<SoftmaxParams>, [output, grad_output]: Inputs<2>, [grad_input]: Outputs<1>) {
    let [outer, len, inner] = extents(&job.params);
    let all = outer * len * inner;
    let (output, grad_output, grad_input) = (&output[..all], &grad_output[..all], &mut grad_input[..all]);
    if inner == 1 {
        let sides = output.par_chunks_exact(len).zip(grad_output.par_chunks_exact(len));
        let rows = grad_input.par_chunks_exact_mut(len).zip(sides).with_min_len(items_a_task(len));
        rows.for_each(|(grad_input, (output, grad_output))| {
            dispatch!(level(), simd => of_row(simd, output, grad_output, grad_input));
        });
        return;
    }
    let (runs, grad_input) = (inner.div_ceil(RUN), Parts::new(grad_input));
    (0..outer * runs).into_par_iter().for_each(|task| {
        let first = task / runs * len * inner + task % runs * RUN;
        let width = RUN.min(inner - task % runs * RUN);
        let lines = || (0..len).map(|k| first + k * inner).map(|at| at..at + width);
        with_scratch(width, |sums| {
            sums.fill(0.0);
            lines().for_each(|at| dispatch!(level(), simd => add(simd, &output[at.clone()], &grad_output[at], sums)));
            for at in lines() {
                // SAFETY: a run of a line belongs to one task.
                let dx = unsafe { grad_input.part(at.start, width) };
                dispatch!(level(), simd => differ(simd, &output[at.clone()], &grad_output[at], sums, dx));
            }
        });
    });
}

#[simd]
fn of_row<S: Simd>(simd: S, output: &[f32], grad_output: &[f32], grad_input: &mut [f32]) {
    let [sum] = lane_sums(simd, [output, grad_output], |[y, dy]| [y * dy]);
    grad_input.iter_mut().zip(output.iter().zip(grad_output)).for_each(|(dx, (y, dy))| *dx = y * (dy - sum));
}

#[simd]
fn add<S: Simd>(_: S, output: &[f32], grad_output: &[f32], sums: &mut [f32]) {
    sums.iter_mut().zip(output.iter().zip(grad_output)).for_each(|(sum, (y, dy))| *sum += y * dy);
}

#[simd]
fn differ<S: Simd>(_: S, output: &[f32], grad_output: &[f32], sums: &[f32], grad_input: &mut [f32]) {
    for ((dx, sum), (y, dy)) in grad_input.iter_mut().zip(sums).zip(output.iter().zip(grad_output)) {
        *dx = y * (dy - sum);
    }
}
