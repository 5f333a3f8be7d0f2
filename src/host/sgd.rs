//! Host twin of `sgd`: one step in place, rounded operation by operation as in the WGSL.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::level::level;

params!(
    /// Length in packs of four and the coefficients of one SGD step.
    SgdParams for "sgd" { packs: u32, learning_rate: f32, momentum: f32, weight_decay: f32 }
);

pub(super) fn sgd(job: &Job<SgdParams>, [gradient, scale]: Inputs<2>, [parameter, velocity]: Outputs<2>) {
    let len = job.elements(job.params.packs);
    let chunks = parameter[..len].par_chunks_mut(CHUNK).zip(gradient[..len].par_chunks(CHUNK));
    if job.constant("MOMENTUM") == 1 {
        let chunks = chunks.zip(velocity[..len].par_chunks_mut(CHUNK));
        chunks.for_each(|((p, g), b)| dispatch!(level(), simd => step_with_momentum(simd, &job.params, scale[0], g, p, b)));
    } else {
        // The velocity is a buffer of any length then.
        chunks.for_each(|(p, g)| dispatch!(level(), simd => step(simd, &job.params, scale[0], g, p)));
    }
}

#[simd]
fn step<S: Simd>(_: S, c: &SgdParams, scale: f32, gradient: &[f32], parameter: &mut [f32]) {
    for (p, &g) in parameter.iter_mut().zip(gradient) {
        *p -= c.learning_rate * (g * scale + c.weight_decay * *p);
    }
}

#[simd]
fn step_with_momentum<S: Simd>(_: S, c: &SgdParams, scale: f32, gradient: &[f32], parameter: &mut [f32], velocity: &mut [f32]) {
    for ((p, &g), b) in parameter.iter_mut().zip(gradient).zip(velocity) {
        *b = c.momentum * *b + (g * scale + c.weight_decay * *p);
        *p -= c.learning_rate * *b;
    }
}
