//! Host twin of `dropout`: output = input · scale where the element's random word is at least `threshold`, else input · 0; the words are
//! those of the WGSL, bit for bit.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::level::level;

params!(
    /// Length in packs of four, the two halves of the key, the first word that is kept, the factor of what is kept.
    DropoutParams for "dropout" { packs: u32, key_a: u32, key_b: u32, threshold: u32, scale: f32 }
);

pub(super) fn dropout(job: &Job<DropoutParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let len = job.elements(job.params.packs);
    let chunks = output[..len].par_chunks_mut(CHUNK).zip(input[..len].par_chunks(CHUNK)).enumerate();
    chunks.for_each(|(i, (output, input))| dispatch!(level(), simd => drop(simd, &job.params, (i * CHUNK) as u32, input, output)));
}

/// `first`: number of the first element.
#[simd]
fn drop<S: Simd>(_: S, c: &DropoutParams, first: u32, input: &[f32], output: &mut [f32]) {
    for ((output, &input), i) in output.iter_mut().zip(input).zip(0u32..) {
        let word = hashed(hashed(first.wrapping_add(i) ^ c.key_a).wrapping_add(c.key_b));
        *output = input * if word >= c.threshold { c.scale } else { 0.0 };
    }
}

#[inline(always)]
fn hashed(x: u32) -> u32 {
    let state = x.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
    (word >> 22) ^ word
}
