//! Host twin of `clip_grad_norm_scale`: output = scale · gradient.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::level::level;

params!(
    /// Length in packs of four.
    ClipGradNormScaleParams for "clip_grad_norm_scale" { packs: u32 }
);

pub(super) fn clip_grad_norm_scale(job: &Job<ClipGradNormScaleParams>, [gradient, scale]: Inputs<2>, [output]: Outputs<1>) {
    let len = job.elements(job.params.packs);
    let chunks = output[..len].par_chunks_mut(CHUNK).zip(gradient[..len].par_chunks(CHUNK));
    chunks.for_each(|(output, gradient)| dispatch!(level(), simd => scaled(simd, gradient, scale[0], output)));
}

#[simd]
fn scaled<S: Simd>(_: S, gradient: &[f32], scale: f32, output: &mut [f32]) {
    output.iter_mut().zip(gradient).for_each(|(output, gradient)| *output = gradient * scale);
}
