//! Host twin of `layer_norm_grad_weight`: Σ ∂L/∂y·x̂ and Σ ∂L/∂y in one span, as sums of a fixed number of parts of the rows that are
//! added in order.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::level::level;
use super::shared::scratch::with_scratch;

params!(
    /// Rows, values of each, and rows of a span.
    LayerNormGradWeightParams for "layer_norm_grad_weight" { rows: u32, c: u32, span: u32 }
);

/// Parts at most, and rows of one at least.
const PARTS: usize = 16;
const LEAST_ROWS: usize = 64;

pub(super) fn layer_norm_grad_weight(
    job: &Job<LayerNormGradWeightParams>,
    [input, grad_output, stats]: Inputs<3>,
    [grad_weight, grad_bias]: Outputs<2>,
) {
    let (c, rows) = (job.params.c as usize, job.params.rows as usize);
    let own = rows.div_ceil(PARTS).max(LEAST_ROWS);
    with_scratch(rows.div_ceil(own) * 2 * c, |sums| {
        let sides = input[..rows * c].par_chunks(own * c).zip(grad_output[..rows * c].par_chunks(own * c)).zip(stats.par_chunks(2 * own));
        sums.par_chunks_exact_mut(2 * c).zip(sides).for_each(|(sums, ((input, grad_output), stats))| {
            dispatch!(level(), simd => of_rows(simd, [input, grad_output], stats, sums));
        });
        grad_weight[..c].copy_from_slice(&sums[..c]);
        grad_bias[..c].copy_from_slice(&sums[c..2 * c]);
        for part in sums[2 * c..].chunks_exact(2 * c) {
            grad_weight.iter_mut().zip(&part[..c]).for_each(|(sum, own)| *sum += own);
            grad_bias.iter_mut().zip(&part[c..]).for_each(|(sum, own)| *sum += own);
        }
    });
}

#[simd]
fn of_rows<S: Simd>(_: S, [input, grad_output]: [&[f32]; 2], stats: &[f32], sums: &mut [f32]) {
    sums.fill(0.0);
    let c = sums.len() / 2;
    let (products, sums) = sums.split_at_mut(c);
    let rows = input.chunks_exact(c).zip(grad_output.chunks_exact(c));
    for ((input, grad_output), &[mean, invstd]) in rows.zip(stats.as_chunks::<2>().0) {
        let shift = input[0];
        for ((product, sum), (x, dy)) in products.iter_mut().zip(&mut *sums).zip(input.iter().zip(grad_output)) {
            *product += dy * ((x - shift - mean) * invstd);
            *sum += dy;
        }
    }
}
