//! Host twin of `unpack_half`: numbers of f16, two a word, as f32.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::pack_half::PackHalfParams;
use super::shared::chunks::CHUNK;
use super::shared::level::level;
use super::shared::operands::of_f16_bits;

pub(super) fn unpack_half(job: &Job<PackHalfParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let len = job.params.packs as usize * 4;
    let chunks = output[..len].par_chunks_mut(CHUNK).zip(input[..len / 2].par_chunks(CHUNK / 2));
    chunks.for_each(|(output, input)| dispatch!(level(), simd => unpack(simd, input, output)));
}

#[simd]
fn unpack<S: Simd>(_: S, input: &[f32], output: &mut [f32]) {
    let pairs = output.as_chunks_mut::<2>().0;
    pairs.iter_mut().zip(input).for_each(|(pair, word)| *pair = [word.to_bits() & 0xffff, word.to_bits() >> 16].map(of_f16_bits));
}
