//! Host twin of `mul_scalar`: y = factor · x.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::level::level;

params!(
    /// Length in packs of four, and the factor.
    MulScalarParams for "mul_scalar" { packs: u32, factor: f32 }
);

pub(super) fn mul_scalar(job: &Job<MulScalarParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let len = job.elements(job.params.packs);
    let chunks = output[..len].par_chunks_mut(CHUNK).zip(input[..len].par_chunks(CHUNK));
    chunks.for_each(|(output, input)| dispatch!(level(), simd => scaled(simd, job.params.factor, input, output)));
}

#[simd]
fn scaled<S: Simd>(_: S, factor: f32, input: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(input).for_each(|(output, input)| *output = factor * input);
}
