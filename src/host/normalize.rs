//! Host twin of `normalize`: rows of length 1.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::sums::lane_sums;

params!(
    /// Rows, values of each, invocations that share one, and the least length.
    NormalizeParams for "normalize", "normalize_grad_input" { rows: u32, c: u32, team: u32, eps: f32 }
);

pub(super) fn normalize(job: &Job<NormalizeParams>, [input]: Inputs<1>, [output, lengths]: Outputs<2>) {
    let (c, rows, eps) = (job.params.c as usize, job.params.rows as usize, job.params.eps);
    let own = items_a_task(c);
    let tasks = output[..rows * c].par_chunks_mut(own * c).zip(input[..rows * c].par_chunks(own * c));
    tasks.zip(lengths[..rows].par_chunks_mut(own)).for_each(|((output, input), lengths)| {
        dispatch!(level(), simd => of_rows(simd, input, c, eps, output, lengths));
    });
}

#[simd]
fn of_rows<S: Simd>(simd: S, input: &[f32], c: usize, eps: f32, output: &mut [f32], lengths: &mut [f32]) {
    for ((output, input), length) in output.chunks_exact_mut(c).zip(input.chunks_exact(c)).zip(lengths) {
        let [squares] = lane_sums(simd, [input], |[x]| [x * x]);
        *length = squares.sqrt();
        let factor = 1.0 / length.max(eps);
        output.iter_mut().zip(input).for_each(|(y, x)| *y = x * factor);
    }
}
