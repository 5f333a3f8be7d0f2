//! Host twin of `add`: y = a + b.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::level::level;
use rayon::prelude::*;

params!(
    /// Length in packs of four.
    AddParams for "add" { packs: u32 }
);

pub(super) fn add(job: &Job<AddParams>, [a, b]: Inputs<2>, [output]: Outputs<1>) {
    let len = job.elements(job.params.packs);
    let chunks = output[..len].par_chunks_mut(CHUNK).zip(a[..len].par_chunks(CHUNK)).zip(b[..len].par_chunks(CHUNK));
    chunks.for_each(|((output, a), b)| dispatch!(level(), simd => sum(simd, a, b, output)));
}

#[simd]
fn sum<S: Simd>(_: S, a: &[f32], b: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(a.iter().zip(b)).for_each(|(output, (a, b))| *output = a + b);
}
