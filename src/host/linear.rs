//! Host twin of `linear`: rows by a matrix or its transposed, bias and activation on sums that are still in the cache.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::functions::{activate, for_kind};
use super::shared::level::level;
use super::shared::matrix::{Side, multiply};
use super::shared::operands::with_operands;

params!(
    /// Rows, the words of one of the input and of the output.
    LinearParams for "linear", "linear_tile", "linear_coop" { rows: u32, depth: u32, columns: u32, has_bias: u32 }
);

/// Rows of a task at least and at most: each packs the matrix again.
const LEAST_ROWS: usize = 96;
const MOST_ROWS: usize = 512;
/// Tasks from which on each has the most rows.
const TASKS: usize = 16;

/// Rows that are multiplied at least. Of fewer, and of few sums altogether, the library (gemm) adds products in another order, and what
/// stands beside a row must not change its bits.
fn least_rows(columns: usize) -> usize {
    257usize.div_ceil(columns).max(65)
}

pub(super) fn linear(job: &Job<LinearParams>, [input, weight, bias]: Inputs<3>, [output]: Outputs<1>) {
    let [rows, depth, columns] = [job.params.rows, job.params.depth, job.params.columns].map(|extent| extent as usize);
    let code = job.constant("ACTIVATION");
    let bias = (job.params.has_bias != 0).then(|| &bias[..columns]);
    let own = rows.div_ceil(TASKS).clamp(LEAST_ROWS, MOST_ROWS);
    with_operands(job.is_half(), [&input[..rows * depth], &weight[..columns * depth]], |[input, weight]| {
        let weight = if job.constant("TRANSPOSED") == 1 { Side::rows(weight, columns) } else { Side::columns(weight, depth) };
        let tasks = output[..rows * columns].par_chunks_mut(own * columns).zip(input.par_chunks(own * depth));
        tasks.for_each(|(output, input)| {
            let (rows, least) = (output.len() / columns, least_rows(columns));
            if rows < least {
                let (mut padded, mut sums) = (vec![0.0; least * depth], vec![0.0; least * columns]);
                padded[..input.len()].copy_from_slice(input);
                multiply([least, depth, columns], Side::rows(&padded, depth), weight, &mut sums, false);
                output.copy_from_slice(&sums[..rows * columns]);
            } else {
                multiply([rows, depth, columns], Side::rows(input, depth), weight, output, false);
            }
            if let Some(bias) = bias {
                for_kind!(code, KIND => dispatch!(level(), simd => add_activate::<_, KIND>(simd, bias, code, output)));
            } else if code != 0 {
                for_kind!(code, KIND => dispatch!(level(), simd => of_all::<_, KIND>(simd, code, output)));
            }
        });
    });
}

#[simd]
fn add_activate<S: Simd, const KIND: u32>(_: S, bias: &[f32], code: u32, rows: &mut [f32]) {
    for row in rows.chunks_exact_mut(bias.len()) {
        row.iter_mut().zip(bias).for_each(|(y, b)| *y = activate::<KIND>(*y + b, code));
    }
}

#[simd]
fn of_all<S: Simd, const KIND: u32>(_: S, code: u32, rows: &mut [f32]) {
    rows.iter_mut().for_each(|y| *y = activate::<KIND>(*y, code));
}
