//! Host twin of `softmax`: y = exp(x − largest) / Σ exp(x − largest) along one axis.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::exponents::{exponentials, largest};
use super::shared::functions::exp;
use super::shared::level::level;
use super::shared::parts::Parts;
use super::shared::scratch::with_scratch;

params!(
    /// Extents before, along and behind the axis.
    SoftmaxParams for "softmax", "softmax_grad_input" { outer: u32, len: u32, inner: u32 }
);

/// Values side by side that a task takes.
pub(super) const RUN: usize = 1024;

/// Extents of a launch.
pub(super) fn extents(params: &SoftmaxParams) -> [usize; 3] {
    [params.outer, params.len, params.inner].map(|extent| extent as usize)
}

pub(super) fn softmax(job: &Job<SoftmaxParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let [outer, len, inner] = extents(&job.params);
    let (input, output) = (&input[..outer * len * inner], &mut output[..outer * len * inner]);
    if inner == 1 {
        let rows = output.par_chunks_exact_mut(len).zip(input.par_chunks_exact(len));
        rows.with_min_len(items_a_task(len)).for_each(|(output, input)| dispatch!(level(), simd => of_row(simd, input, output)));
        return;
    }
    let (runs, output) = (inner.div_ceil(RUN), Parts::new(output));
    (0..outer * runs).into_par_iter().for_each(|task| {
        let first = task / runs * len * inner + task % runs * RUN;
        let width = RUN.min(inner - task % runs * RUN);
        with_scratch(2 * width, |memory| {
            let (most, sums) = memory.split_at_mut(width);
            most.fill(f32::NEG_INFINITY);
            sums.fill(0.0);
            let lines = || (0..len).map(|k| first + k * inner);
            lines().for_each(|at| dispatch!(level(), simd => rise(simd, &input[at..at + width], most)));
            for at in lines() {
                // SAFETY: a run of a line belongs to one task.
                let y = unsafe { output.part(at, width) };
                dispatch!(level(), simd => raise(simd, &input[at..at + width], most, sums, y));
            }
            for at in lines() {
                // SAFETY: as above.
                let y = unsafe { output.part(at, width) };
                dispatch!(level(), simd => divide(simd, sums, y));
            }
        });
    });
}

#[simd]
fn of_row<S: Simd>(simd: S, input: &[f32], output: &mut [f32]) {
    output.copy_from_slice(input);
    let sum = exponentials(simd, output, largest(simd, input));
    output.iter_mut().for_each(|y| *y /= sum);
}

#[simd]
fn rise<S: Simd>(_: S, line: &[f32], most: &mut [f32]) {
    most.iter_mut().zip(line).for_each(|(most, &x)| *most = if x > *most { x } else { *most });
}

#[simd]
fn raise<S: Simd>(_: S, line: &[f32], most: &[f32], sums: &mut [f32], output: &mut [f32]) {
    for ((y, sum), (x, most)) in output.iter_mut().zip(sums).zip(line.iter().zip(most)) {
        *y = exp(x - most);
        *sum += *y;
    }
}

#[simd]
fn divide<S: Simd>(_: S, sums: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(sums).for_each(|(y, sum)| *y /= sum);
}
