//! Host twin of `sum_partials`: y[i] = Σ_p x[p, i], parts in order.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::CHUNK;

params!(
    /// Number of parts and length of each.
    SumPartialsParams for "sum_partials" { parts: u32, len: u32 }
);

pub(super) fn sum_partials(job: &Job<SumPartialsParams>, [partials]: Inputs<1>, [output]: Outputs<1>) {
    let len = job.params.len as usize;
    let partials = &partials[..job.params.parts as usize * len];
    output[..len].par_chunks_mut(CHUNK).enumerate().for_each(|(i, output)| {
        output.fill(0.0);
        for part in partials.chunks_exact(len) {
            output.iter_mut().zip(&part[i * CHUNK..]).for_each(|(sum, value)| *sum += value);
        }
    });
}
