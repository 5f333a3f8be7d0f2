//! Host twin of `linear_grad_weight`: ∂L/∂w and ∂L/∂b in one span, as sums of a fixed number of parts of the rows that are added in order.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::level::level;
use super::shared::matrix::{Side, multiply};
use super::shared::operands::with_operands;
use super::shared::scratch::with_scratch;

params!(
    /// Rows, the words of one of the input and of the output, and the rows of a span.
    LinearGradWeightParams for "linear_grad_weight", "linear_grad_weight_tile", "linear_grad_weight_coop" { rows: u32, c_in: u32, c_out: u32, span: u32 }
);

/// Parts at most, and the rows of one at least: each costs a partial result.
const PARTS: usize = 16;
const LEAST_ROWS: usize = 256;

pub(super) fn linear_grad_weight(job: &Job<LinearGradWeightParams>, [input, grad_output]: Inputs<2>, [grad_weight, grad_bias]: Outputs<2>) {
    let [rows, c_in, c_out] = [job.params.rows, job.params.c_in, job.params.c_out].map(|extent| extent as usize);
    let own = rows.div_ceil(PARTS).max(LEAST_ROWS);
    let (weights, all) = (c_out * c_in, c_out * c_in + c_out);
    let arrays = [&input[..rows * c_in], &grad_output[..rows * c_out]];
    with_scratch(rows.div_ceil(own) * all, |sums| {
        with_operands(job.is_half(), arrays, |[input, operand]| {
            let parts = input.par_chunks(own * c_in).zip(operand.par_chunks(own * c_out)).zip(arrays[1].par_chunks(own * c_out));
            sums.par_chunks_exact_mut(all).zip(parts).for_each(|(sums, ((input, operand), grad_output))| {
                let (grad_weight, grad_bias) = sums.split_at_mut(weights);
                let (left, right) = (Side::columns(operand, c_out), Side::rows(input, c_in));
                multiply([c_out, operand.len() / c_out, c_in], left, right, grad_weight, false);
                // The bias's gradient is no product: it is summed as it is.
                dispatch!(level(), simd => add_rows(simd, grad_output, grad_bias));
            });
        });
        grad_weight[..weights].copy_from_slice(&sums[..weights]);
        grad_bias[..c_out].copy_from_slice(&sums[weights..all]);
        for part in sums[all..].chunks_exact(all) {
            grad_weight.iter_mut().zip(&part[..weights]).for_each(|(sum, own)| *sum += own);
            grad_bias.iter_mut().zip(&part[weights..]).for_each(|(sum, own)| *sum += own);
        }
    });
}

/// The sum of rows.
#[simd]
fn add_rows<S: Simd>(_: S, rows: &[f32], sums: &mut [f32]) {
    sums.fill(0.0);
    for row in rows.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}
