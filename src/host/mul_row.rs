//! Host twin of `mul_row`: every plane times a number of its own.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

params!(
    /// Elements, and those of a plane.
    MulRowParams for "mul_row" { len: u32, plane: u32 }
);

pub(super) fn mul_row(job: &Job<MulRowParams>, [input, row]: Inputs<2>, [output]: Outputs<1>) {
    let (len, plane) = (job.params.len as usize, job.params.plane as usize);
    let planes = output[..len].par_chunks_exact_mut(plane).zip(input[..len].par_chunks_exact(plane)).zip(row);
    planes
        .with_min_len(items_a_task(plane))
        .for_each(|((output, input), factor)| dispatch!(level(), simd => scaled(simd, *factor, input, output)));
}

#[simd]
fn scaled<S: Simd>(_: S, factor: f32, input: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(input).for_each(|(output, input)| *output = input * factor);
}
