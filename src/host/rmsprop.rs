//! Host twin of `rmsprop`: one step in place, rounded operation by operation as in the WGSL.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::level::level;

params!(
    /// Length in packs of four and the coefficients of one RMSprop step.
    RmsPropParams for "rmsprop" {
        packs: u32, learning_rate: f32, alpha: f32, one_minus_alpha: f32, eps: f32, momentum: f32, weight_decay: f32
    }
);

pub(super) fn rmsprop(job: &Job<RmsPropParams>, [gradient, scale]: Inputs<2>, [parameter, mean_square, velocity]: Outputs<3>) {
    let len = job.elements(job.params.packs);
    let squares = mean_square[..len].par_chunks_mut(CHUNK);
    let chunks = parameter[..len].par_chunks_mut(CHUNK).zip(gradient[..len].par_chunks(CHUNK)).zip(squares);
    if job.constant("MOMENTUM") == 1 {
        let chunks = chunks.zip(velocity[..len].par_chunks_mut(CHUNK));
        chunks.for_each(|(((p, g), s), b)| dispatch!(level(), simd => step_with_momentum(simd, &job.params, scale[0], g, p, s, b)));
    } else {
        // The velocity is a buffer of any length then.
        chunks.for_each(|((p, g), s)| dispatch!(level(), simd => step(simd, &job.params, scale[0], g, p, s)));
    }
}

/// The normalised gradient, after the mean square has followed it.
#[inline(always)]
fn normalised(c: &RmsPropParams, scale: f32, g: f32, p: f32, square: &mut f32) -> f32 {
    let g = g * scale + c.weight_decay * p;
    *square = c.alpha * *square + c.one_minus_alpha * g * g;
    g / (square.sqrt() + c.eps)
}

#[simd]
fn step<S: Simd>(_: S, c: &RmsPropParams, scale: f32, gradient: &[f32], parameter: &mut [f32], squares: &mut [f32]) {
    for ((p, &g), s) in parameter.iter_mut().zip(gradient).zip(squares) {
        *p -= c.learning_rate * normalised(c, scale, g, *p, s);
    }
}

#[simd]
fn step_with_momentum<S: Simd>(
    _: S,
    c: &RmsPropParams,
    scale: f32,
    gradient: &[f32],
    parameter: &mut [f32],
    squares: &mut [f32],
    velocity: &mut [f32],
) {
    for (((p, &g), s), b) in parameter.iter_mut().zip(gradient).zip(squares).zip(velocity) {
        *b = c.momentum * *b + normalised(c, scale, g, *p, s);
        *p -= c.learning_rate * *b;
    }
}
