//! Host twin of `adam`: one step in place, rounded operation by operation as in the WGSL, so that every instruction set gives the same
//! bits.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;
use super::shared::level::level;

params!(
    /// Length in packs of four and the coefficients of one Adam step.
    AdamParams for "adam" {
        packs: u32, rate: f32, correction: f32, one_minus_beta1: f32, beta2: f32, one_minus_beta2: f32, eps: f32, decay: f32
    }
);

pub(super) fn adam(job: &Job<AdamParams>, [gradient, scale]: Inputs<2>, [parameter, first, second]: Outputs<3>) {
    let len = job.elements(job.params.packs);
    let moments = first[..len].par_chunks_mut(CHUNK).zip(second[..len].par_chunks_mut(CHUNK));
    let chunks = parameter[..len].par_chunks_mut(CHUNK).zip(gradient[..len].par_chunks(CHUNK)).zip(moments);
    // The share of a parameter that stays, and the share of it in the gradient: one of them is as if it were not there.
    let decay = job.params.decay;
    let [keep, decay] = if job.constant("DECOUPLED") == 1 { [decay, 0.0] } else { [1.0, decay] };
    chunks.for_each(|((p, g), (m, v))| dispatch!(level(), simd => step(simd, &job.params, [scale[0], keep, decay], g, p, m, v)));
}

#[simd]
fn step<S: Simd>(
    _: S,
    c: &AdamParams,
    [scale, keep, decay]: [f32; 3],
    gradient: &[f32],
    parameter: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    for (((p, &g), m), v) in parameter.iter_mut().zip(gradient).zip(first).zip(second) {
        let g = g * scale + decay * *p;
        *m += c.one_minus_beta1 * (g - *m);
        *v = c.beta2 * *v + c.one_minus_beta2 * g * g;
        *p = *p * keep - c.rate * (*m / (v.sqrt() / c.correction + c.eps));
    }
}
