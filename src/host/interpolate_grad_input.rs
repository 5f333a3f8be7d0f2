//! Host twin of `interpolate_grad_input`: each input pixel gathers share · grad_output from the output pixels that use it.
//!
//! An input row first gathers the output rows that use it, all columns at once, then its pixels gather along the result.

use fearless_simd::{Simd, dispatch, prelude::*};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::interpolate::InterpolateParams;
use super::job::{Inputs, Job, Outputs};
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::resample::{Axis, Extent, Mode};
use super::shared::scratch::with_scratch;

/// Input rows that gather before their pixels do: a vector read across two that were just stored would wait for both.
const LINES: usize = 8;

pub(super) fn interpolate_grad_input(job: &Job<InterpolateParams>, [grad_output]: Inputs<1>, [grad_input]: Outputs<1>) {
    let mode = Mode::of(job.constant("MODE"));
    let [height, width] = Extent::of(&job.params);
    let (plane_in, plane_out) = (height.input * width.input, height.output * width.output);
    with_scratch(height.words() + width.words(), |memory| {
        let (rows, cols) = memory.split_at_mut(height.words());
        let (rows, cols) = (Axis::new(&height, mode, rows), Axis::new(&width, mode, cols));
        let doubles = cols.doubles();
        // A task has several small planes, or a strip of input rows of a large one.
        let planes = items_a_task(plane_out);
        let strip = items_a_task(plane_out.div_ceil(height.input)).min(height.input);
        let grad_input = grad_input[..job.params.planes as usize * plane_in].par_chunks_mut(planes * plane_in);
        grad_input.zip(grad_output.par_chunks(planes * plane_out)).for_each(|(grad_input, grad_output)| {
            let words = if planes > 1 { grad_input.len() } else { strip * width.input };
            grad_input.par_chunks_mut(words).enumerate().for_each(|(i, grad_input)| {
                with_scratch(LINES * width.output, |lines| {
                    dispatch!(level(), simd => gather(simd, [rows, cols], doubles, i * strip, grad_output, grad_input, lines));
                });
            });
        });
    });
}

/// Rows of planes, or of a part of one from the row `first` on, with memory for [`LINES`] rows of the output.
#[simd]
fn gather<S: Simd>(
    simd: S,
    [rows, cols]: [Axis; 2],
    doubles: bool,
    first: usize,
    grad_output: &[f32],
    grad_input: &mut [f32],
    lines: &mut [f32],
) {
    let planes = grad_output.chunks_exact(rows.output() * cols.output()).zip(grad_input.chunks_mut(rows.input * cols.input));
    for (grad_output, grad_input) in planes {
        for (i, block) in grad_input.chunks_mut(LINES * cols.input).enumerate() {
            let count = block.len() / cols.input;
            for (k, line) in lines.chunks_exact_mut(cols.output()).take(count).enumerate() {
                gather_rows(simd, &rows, first + i * LINES + k, grad_output, line);
            }
            for (row, line) in block.chunks_exact_mut(cols.input).zip(lines.chunks_exact(cols.output())) {
                gather_along(simd, &cols, doubles, line, row);
            }
        }
    }
}

/// sum = Σ share · row over the output rows that use the input row `at`.
#[inline(always)]
fn gather_rows<S: Simd>(simd: S, rows: &Axis, at: usize, grad_output: &[f32], sum: &mut [f32]) {
    const VECS: usize = 4;
    let (lanes, width) = (S::f32s::LEN, sum.len());
    let wide = width / (VECS * lanes) * (VECS * lanes);
    for col in (0..wide).step_by(VECS * lanes) {
        let mut sums = [S::f32s::splat(simd, 0.0); VECS];
        for (row, share) in rows.users(at) {
            let row = &grad_output[row * width + col..][..VECS * lanes];
            let share = S::f32s::splat(simd, share);
            for v in 0..VECS {
                sums[v] += share * S::f32s::from_slice(simd, &row[v * lanes..][..lanes]);
            }
        }
        for v in 0..VECS {
            sums[v].store_slice(&mut sum[col + v * lanes..][..lanes]);
        }
    }
    let rest = &mut sum[wide..];
    rest.fill(0.0);
    for (row, share) in rows.users(at) {
        rest.iter_mut().zip(&grad_output[row * width + wide..][..width - wide]).for_each(|(sum, value)| *sum += share * value);
    }
}

/// row[i] = Σ share · sum over the output columns that use the input column i.
#[inline(always)]
fn gather_along<S: Simd>(simd: S, cols: &Axis, doubles: bool, sum: &[f32], row: &mut [f32]) {
    let at = |col: usize| {
        let mut total = 0.0;
        for (output, share) in cols.users(col) {
            total += share * sum[output];
        }
        total
    };
    let (count, lanes) = (row.len(), S::f32s::LEN);
    if doubles && cols.is_nearest() {
        row.iter_mut().zip(sum.as_chunks::<2>().0).for_each(|(value, pair)| *value = pair[0] + pair[1]);
    } else if doubles && count >= lanes + 4 {
        // At the borders positions may round to either side.
        [0, 1, count - 2, count - 1].into_iter().for_each(|col| row[col] = at(col));
        // The last vector overlaps the one before.
        let mut at = 2;
        while at < count - 2 {
            halve(simd, at.min(count - 2 - lanes), sum, cols.shares(), row);
            at += lanes;
        }
    } else {
        row.iter_mut().enumerate().for_each(|(col, value)| *value = at(col));
    }
}

/// Doubling: input pixel k is the second source of the output columns 2k − 1 and 2k and the first of the two that follow.
#[inline(always)]
fn halve<S: Simd>(simd: S, at: usize, sum: &[f32], shares: &[f32], row: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let pairs = |values: &[f32], first: usize| {
        let [low, high] = [first, first + lanes].map(|at| S::f32s::from_slice(simd, &values[at..][..lanes]));
        [low.unzip_low(high), low.unzip_high(high)]
    };
    let (before, after) = (pairs(sum, 2 * at - 1), pairs(sum, 2 * at + 1));
    let (second, first) = (pairs(shares, 2 * at - 1), pairs(shares, 2 * at + 1));
    let one = S::f32s::splat(simd, 1.0);
    let total = second[0] * before[0] + second[1] * before[1] + (one - first[0]) * after[0] + (one - first[1]) * after[1];
    total.store_slice(&mut row[at..][..lanes]);
}
