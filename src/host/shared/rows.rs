//! Depthwise 3×3 convolutions that keep the size, for rows of whole vectors: rows are read where they lie, once each, and their neighbours
//! to the left and right are shifted vectors. Nothing is copied, unlike in `planes`, which does every other window.
//!
//! Walking down, an input row belongs to three output rows, whose unfinished sums stay in registers.

use std::array::from_fn;

use fearless_simd::{Simd, dispatch, f32x4, f32x8, f32x16, prelude::*};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::epilogue::Epilogue;
use super::level::level;
use super::padded::Window;

/// Planes share a task of about so many pixels.
const PIXELS: usize = 16 * 1024;

/// True where this file's kernels do `c`.
pub(crate) fn fit(c: &Window) -> bool {
    let same = [c.kernel_h, c.kernel_w, c.stride, c.dilation, c.spread] == [3, 3, 1, 1, 1] && c.padding == [1, 1];
    same && (matches!(c.w_in, 4 | 8) || c.w_in.is_multiple_of(16))
}

/// output[plane] = epilogue(input[plane] ∗ weight[channel]).
pub(crate) fn convolve(c: &Window, channels: usize, input: &[f32], weight: &[f32], epilogue: &Epilogue, output: &mut [f32]) {
    let plane = c.h_in * c.w_in;
    let planes = (PIXELS / plane).max(1);
    let tasks = output.par_chunks_mut(plane * planes).zip(input.par_chunks(plane * planes)).enumerate();
    tasks.for_each(|(task, (output, input))| {
        dispatch!(level(), simd => forward(simd, c, [task * planes, channels], input, weight, epilogue, output));
    });
}

/// Consecutive planes, from plane number `first` on.
#[simd]
fn forward<S: Simd>(
    simd: S,
    c: &Window,
    [first, channels]: [usize; 2],
    input: &[f32],
    weight: &[f32],
    epilogue: &Epilogue,
    output: &mut [f32],
) {
    let (width, plane) = (c.w_in, c.h_in * c.w_in);
    for (p, (output, input)) in (first..).zip(output.chunks_exact_mut(plane).zip(input.chunks_exact(plane))) {
        let Some(taps) = weight[p % channels * 9..].first_chunk::<9>() else { return };
        let mut taps = *taps;
        if c.flip {
            taps.reverse();
        }
        match width {
            4 => convolve_column::<S, f32x4<S>, 3>(simd, input, width, 0, &taps, output),
            8 => convolve_column::<S, f32x8<S>, 7>(simd, input, width, 0, &taps, output),
            _ => (0..width).step_by(16).for_each(|at| convolve_column::<S, f32x16<S>, 15>(simd, input, width, at, &taps, output)),
        }
        epilogue.apply(simd, p % channels, output);
    }
}

/// The vector of a row at column `at`, and those one column to the left and right, zero outside the row. `LAST`: lanes less one.
#[inline(always)]
fn beside<S: Simd, V: SimdFloat<S, Element = f32>, const LAST: usize>(simd: S, row: &[f32], at: usize) -> [V; 3] {
    let lanes = V::LEN;
    let here = V::from_slice(simd, &row[at..at + lanes]);
    let zero = V::splat(simd, 0.0);
    let left = if at > 0 { V::from_slice(simd, &row[at - 1..at - 1 + lanes]) } else { zero.slide::<LAST>(here) };
    let right = if at + lanes < row.len() { V::from_slice(simd, &row[at + 1..at + 1 + lanes]) } else { here.slide::<1>(zero) };
    [left, here, right]
}

/// The vectors of all rows at column `at`.
#[inline(always)]
fn convolve_column<S: Simd, V: SimdFloat<S, Element = f32>, const LAST: usize>(
    simd: S,
    input: &[f32],
    width: usize,
    at: usize,
    taps: &[f32; 9],
    output: &mut [f32],
) {
    let taps: [V; 9] = from_fn(|t| V::splat(simd, taps[t]));
    let zero = V::splat(simd, 0.0);
    let row_of = |sum: V, x: &[V; 3], taps: &[V]| taps[2].mul_add(x[2], taps[1].mul_add(x[1], taps[0].mul_add(x[0], sum)));
    // The sums of the output rows before, at and after the input row.
    let (mut above, mut here) = (zero, zero);
    let mut finished = output.chunks_exact_mut(width);
    for (y, row) in input.chunks_exact(width).enumerate() {
        let x = beside::<S, V, LAST>(simd, row, at);
        let done = row_of(above, &x, &taps[6..9]);
        (above, here) = (row_of(here, &x, &taps[3..6]), row_of(zero, &x, &taps[0..3]));
        if y > 0
            && let Some(output) = finished.next()
        {
            done.store_slice(&mut output[at..at + V::LEN]);
        }
    }
    if let Some(output) = finished.next() {
        above.store_slice(&mut output[at..at + V::LEN]);
    }
}

/// grad_weight[channel] = Σ over images of the products of the planes of input and grad_output, a channel's images in order.
pub(crate) fn grad_weight(c: &Window, [images, channels]: [usize; 2], input: &[f32], grad_output: &[f32], grad_weight: &mut [f32]) {
    let together = (PIXELS / (images * c.h_in * c.w_in)).max(1);
    grad_weight.par_chunks_mut(9 * together).enumerate().for_each(|(task, grad_weight)| {
        dispatch!(level(), simd => add_planes(simd, c, [images, channels, task * together], [input, grad_output], grad_weight));
    });
}

/// Channels from `first` on.
#[simd]
fn add_planes<S: Simd>(
    simd: S,
    c: &Window,
    [images, channels, first]: [usize; 3],
    [input, grad_output]: [&[f32]; 2],
    grad_weight: &mut [f32],
) {
    let plane = c.h_in * c.w_in;
    for (channel, sums) in (first..).zip(grad_weight.as_chunks_mut::<9>().0) {
        let planes = (0..images).map(|image| (image * channels + channel) * plane);
        let planes = planes.map(|at| [&input[at..at + plane], &grad_output[at..at + plane]]);
        *sums = match c.w_in {
            4 => add_columns::<S, f32x4<S>, 3>(simd, planes, 4),
            8 => add_columns::<S, f32x8<S>, 7>(simd, planes, 8),
            width => add_columns::<S, f32x16<S>, 15>(simd, planes, width),
        };
    }
}

/// Σ dy[y][x] · x[y + ky − 1][x + kx − 1] for the nine taps: lane by lane over all planes, then the lanes.
#[inline(always)]
fn add_columns<'a, S: Simd, V: SimdFloat<S, Element = f32>, const LAST: usize>(
    simd: S,
    planes: impl Iterator<Item = [&'a [f32]; 2]>,
    width: usize,
) -> [f32; 9] {
    let zero = V::splat(simd, 0.0);
    let mut sums = [zero; 9];
    for [input, grad_output] in planes {
        for at in (0..width).step_by(V::LEN) {
            // Gradients of the output rows before, at and after the input row.
            let mut gradients = grad_output.chunks_exact(width).map(|row| V::from_slice(simd, &row[at..at + V::LEN]));
            let (mut above, mut here) = (zero, gradients.next().unwrap_or(zero));
            for row in input.chunks_exact(width) {
                let below = gradients.next().unwrap_or(zero);
                let x = beside::<S, V, LAST>(simd, row, at);
                // All nine before any is stored: an array that is written place by place may stay in memory.
                sums = from_fn(|t| [below, here, above][t / 3].mul_add(x[t % 3], sums[t]));
                (above, here) = (here, below);
            }
        }
    }
    sums.map(|sum| sum.reduce_sum())
}
