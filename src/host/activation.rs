//! Host twin of `activation`: y = f(x).

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::functions::{activate, for_kind};
use super::shared::level::level;

params!(
    /// Length in packs of four.
    ActivationParams for "activation", "activation_grad" { packs: u32 }
);

pub(super) fn activation(job: &Job<ActivationParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let (len, code) = (job.elements(job.params.packs), job.constant("KIND"));
    output[..len].par_chunks_mut(CHUNK).zip(input[..len].par_chunks(CHUNK)).for_each(|(output, input)| {
        for_kind!(code, KIND => dispatch!(level(), simd => of_chunk::<_, KIND>(simd, input, code, output)));
    });
}

#[simd]
fn of_chunk<S: Simd, const KIND: u32>(_: S, input: &[f32], code: u32, output: &mut [f32]) {
    output.iter_mut().zip(input).for_each(|(y, &x)| *y = activate::<KIND>(x, code));
}
