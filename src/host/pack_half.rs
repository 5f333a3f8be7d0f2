//! Host twin of `pack_half`: numbers as f16, two a word.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::level::level;
use super::shared::operands::f16_bits;

params!(
    /// Length in packs of four elements, which are two words.
    PackHalfParams for "pack_half", "unpack_half" { packs: u32 }
);

pub(super) fn pack_half(job: &Job<PackHalfParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let len = job.params.packs as usize * 4;
    let chunks = output[..len / 2].par_chunks_mut(CHUNK / 2).zip(input[..len].par_chunks(CHUNK));
    chunks.for_each(|(output, input)| dispatch!(level(), simd => pack(simd, input, output)));
}

#[simd]
fn pack<S: Simd>(_: S, input: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(packed(input)).for_each(|(word, packed)| *word = f32::from_bits(packed));
}

/// The words of pairs of numbers, the first in the lower half.
#[inline(always)]
pub(crate) fn packed(values: &[f32]) -> impl Iterator<Item = u32> {
    values.as_chunks::<2>().0.iter().map(|[low, high]| f16_bits(*low) | f16_bits(*high) << 16)
}
