//! Host twin of `interpolate`: output = Σ shares · input over one (nearest) or four (bilinear) source pixels.
//!
//! Rows of the output come in order, so that each source row is resampled along itself once and mixed with the next. Doubling needs no
//! look-ups: output pixels 2k and 2k + 1 lie between the source pixels k − 1, k and k + 1, which are runs of memory.

use fearless_simd::{Simd, dispatch, prelude::*};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;
use super::shared::padded::copy;
use super::shared::resample::{Axis, Extent, Mode};
use super::shared::scratch::with_scratch;

params!(
    /// Extents, source pixels per output pixel, and the rows of a strip and strips of a plane.
    InterpolateParams for "interpolate", "interpolate_nearest_2x", "interpolate_grad_input", "interpolate_grad_input_nearest_2x" {
        planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, ratio_h: f32, ratio_w: f32, strip: u32, strips: u32,
    }
);

/// Taps of both axes.
#[derive(Clone, Copy)]
struct Axes<'a> {
    rows: Axis<'a>,
    cols: Axis<'a>,
    doubles: bool,
}

pub(super) fn interpolate(job: &Job<InterpolateParams>, [input]: Inputs<1>, [output]: Outputs<1>) {
    let mode = Mode::of(job.constant("MODE"));
    let [height, width] = Extent::of(&job.params);
    let (plane_in, plane_out) = (height.input * width.input, height.output * width.output);
    with_scratch(height.words() + width.words(), |memory| {
        let (rows, cols) = memory.split_at_mut(height.words());
        let (rows, cols) = (Axis::new(&height, mode, rows), Axis::new(&width, mode, cols));
        let axes = Axes { rows, cols, doubles: cols.doubles() };
        // A task has several small planes, or a strip of rows of a large one.
        let (planes, strip) = (items_a_task(plane_out), items_a_task(width.output).min(height.output));
        let output = output[..job.params.planes as usize * plane_out].par_chunks_mut(planes * plane_out);
        output.zip(input.par_chunks(planes * plane_in)).for_each(|(output, input)| {
            let words = if planes > 1 { output.len() } else { strip * width.output };
            output.par_chunks_mut(words).enumerate().for_each(|(i, output)| {
                with_scratch(2 * width.output, |lines| {
                    if mode == Mode::Nearest {
                        dispatch!(level(), simd => pick(simd, axes, i * strip, input, output));
                    } else {
                        dispatch!(level(), simd => mix(simd, axes, i * strip, input, output, lines));
                    }
                });
            });
        });
    });
}

/// Nearest: output rows of planes, or of a part of one from the row `first` on.
#[simd]
fn pick<S: Simd>(simd: S, axes: Axes, first: usize, input: &[f32], output: &mut [f32]) {
    let Axes { rows, cols, doubles } = axes;
    let planes = input.chunks_exact(rows.input * cols.input).zip(output.chunks_mut(rows.output() * cols.output()));
    for (input, output) in planes {
        let mut held = None;
        for i in 0..output.len() / cols.output() {
            let (source, ..) = rows.tap(first + i);
            let (done, row) = output.split_at_mut(i * cols.output());
            let row = &mut row[..cols.output()];
            if held == Some(source) {
                copy(simd, &done[(i - 1) * cols.output()..], row);
            } else {
                pick_along(&cols, doubles, &input[source * cols.input..][..cols.input], row);
            }
            held = Some(source);
        }
    }
}

/// One source row picked along itself.
#[inline(always)]
fn pick_along(cols: &Axis, doubles: bool, source: &[f32], row: &mut [f32]) {
    if doubles {
        row.as_chunks_mut::<2>().0.iter_mut().zip(source).for_each(|(pair, &value)| *pair = [value; 2]);
    } else {
        row.iter_mut().enumerate().for_each(|(col, value)| *value = source[cols.tap(col).0]);
    }
}

/// Bilinear: as [`pick`], with memory for two lines of the output's width.
#[simd]
fn mix<S: Simd>(simd: S, axes: Axes, first: usize, input: &[f32], output: &mut [f32], lines: &mut [f32]) {
    let Axes { rows, cols, doubles } = axes;
    let (mut above, mut below) = lines.split_at_mut(cols.output());
    let planes = input.chunks_exact(rows.input * cols.input).zip(output.chunks_mut(rows.output() * cols.output()));
    for (input, output) in planes {
        // Source rows that the two lines hold.
        let mut held = [None; 2];
        let source = |row: usize| &input[row * cols.input..][..cols.input];
        for (i, row) in output.chunks_exact_mut(cols.output()).enumerate() {
            let (low, high, share) = rows.tap(first + i);
            if held != [Some(low), Some(high)] {
                if held[1] == Some(low) {
                    std::mem::swap(&mut above, &mut below);
                } else {
                    mix_along(simd, &cols, doubles, source(low), above);
                }
                mix_along(simd, &cols, doubles, source(high), below);
                held = [Some(low), Some(high)];
            }
            let keep = 1.0 - share;
            row.iter_mut().zip(above.iter().zip(&*below)).for_each(|(row, (above, below))| *row = keep * above + share * below);
        }
    }
}

/// One source row resampled along itself.
#[inline(always)]
fn mix_along<S: Simd>(simd: S, cols: &Axis, doubles: bool, source: &[f32], row: &mut [f32]) {
    let between = |low: f32, high: f32, share: f32| (1.0 - share) * low + share * high;
    let (last, lanes) = (source.len() - 1, S::f32s::LEN);
    if doubles && last > lanes {
        for col in [0, 1, 2 * last, 2 * last + 1] {
            let (low, high, share) = cols.tap(col);
            row[col] = between(source[low], source[high], share);
        }
        // The last vector overlaps the one before.
        let mut at = 1;
        while at < last {
            double(simd, at.min(last - lanes), source, cols.shares(), row);
            at += lanes;
        }
        return;
    }
    let mut rest = row;
    for (i, &low) in source.iter().enumerate() {
        // All that lie between this pixel and the next.
        let (high, outputs) = (source[(i + 1).min(last)], cols.begun_at(i));
        let (own, after) = rest.split_at_mut(outputs.len());
        own.iter_mut().zip(&cols.shares()[outputs]).for_each(|(value, &share)| *value = between(low, high, share));
        rest = after;
    }
}

/// Both outputs of the source pixels from `at` on: between the one before and itself, and between itself and the next.
#[inline(always)]
fn double<S: Simd>(simd: S, at: usize, source: &[f32], shares: &[f32], row: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let [left, own, right] = [at - 1, at, at + 1].map(|at| S::f32s::from_slice(simd, &source[at..][..lanes]));
    let [low, high] = [2 * at, 2 * at + lanes].map(|at| S::f32s::from_slice(simd, &shares[at..][..lanes]));
    let (even, odd, one) = (low.unzip_low(high), low.unzip_high(high), S::f32s::splat(simd, 1.0));
    let (even, odd) = ((one - even) * left + even * own, (one - odd) * own + odd * right);
    even.zip_low(odd).store_slice(&mut row[2 * at..][..lanes]);
    even.zip_high(odd).store_slice(&mut row[2 * at + lanes..][..lanes]);
}
