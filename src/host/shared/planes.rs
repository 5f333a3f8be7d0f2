//! Depthwise convolutions, a plane at a time with the pixels in the lanes.
//!
//! As in `shifted`, a plane is copied once with zeros around, in stride² phases, so that over its flattened rows every tap is one run. A
//! group of planes is copied first and multiplied then: a vector read across two rows just written waits for both.

use fearless_simd::{Simd, dispatch, prelude::*};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::epilogue::Epilogue;
use super::level::level;
use super::padded::{Padded, Window, copy};
use super::rows;
use super::scratch::with_scratch;

/// Words behind a plane: its last vector may reach past the last row.
const SLACK: usize = 64;
/// Small planes share a task of about so many pixels.
const PIXELS: usize = 16 * 1024;
/// Words of a group's copies: they stay in the first-level cache.
const GROUP_WORDS: usize = 4096;

/// One plane as a convolution of one channel, its padded copy, and where its taps begin.
pub(crate) struct Plane {
    c: Window,
    padded: Padded,
    offsets: Vec<usize>,
    size_in: usize,
    size_out: usize,
    /// Flattened output positions, between whose rows are some that nobody wants.
    columns: usize,
}

impl Plane {
    pub(crate) fn new(c: &Window) -> Plane {
        let c = Window { c_in: 1, c_out: 1, ..*c };
        let padded = Padded::new(&c, c.h_out);
        let (offsets, columns) = (padded.offsets(&c), (c.h_out - 1) * padded.pitch + c.w_out);
        Plane { size_in: c.h_in * c.w_in, size_out: c.h_out * c.w_out, columns, c, padded, offsets }
    }

    /// Words of a plane's copy.
    fn words(&self) -> usize {
        self.padded.channel + SLACK
    }

    /// Words of a plane's flattened outputs.
    fn flat(&self) -> usize {
        self.columns + SLACK
    }

    /// Planes of a group.
    fn group(&self) -> usize {
        (GROUP_WORDS / self.words()).max(1)
    }
}

/// output[plane] = epilogue(input[plane] ∗ weight[channel]).
pub(crate) fn convolve(c: &Window, channels: usize, input: &[f32], weight: &[f32], epilogue: &Epilogue, output: &mut [f32]) {
    if rows::fit(c) {
        return rows::convolve(c, channels, input, weight, epilogue, output);
    }
    let plane = Plane::new(c);
    let planes = (PIXELS / plane.size_out).max(1);
    let tasks = output.par_chunks_mut(plane.size_out * planes).zip(input.par_chunks(plane.size_in * planes)).enumerate();
    tasks.for_each(|(task, (output, input))| {
        let group = plane.group();
        with_scratch(group * plane.words(), |source| {
            with_scratch(group * plane.flat(), |sums| {
                dispatch!(level(), simd => forward(simd, &plane, [task * planes, channels], input, weight, epilogue, [source, sums], output));
            })
        })
    });
}

/// Consecutive planes, from plane number `first` on.
#[simd]
#[allow(clippy::too_many_arguments)] // slices apart, so that the inner loops see nothing else
fn forward<S: Simd>(
    simd: S,
    plane: &Plane,
    [first, channels]: [usize; 2],
    input: &[f32],
    weight: &[f32],
    epilogue: &Epilogue,
    [source, sums]: [&mut [f32]; 2],
    output: &mut [f32],
) {
    let &Plane { ref c, ref padded, ref offsets, size_in, size_out, columns } = plane;
    // Every plane leaves the zeros around it as they are.
    source.fill(0.0);
    let group = plane.group();
    let groups = output.chunks_mut(size_out * group).zip(input.chunks(size_in * group));
    for (first, (output, input)) in (first..).step_by(group).zip(groups) {
        for (input, source) in input.chunks_exact(size_in).zip(source.chunks_exact_mut(plane.words())) {
            padded.fill(simd, c, input, 0, source, true);
        }
        let planes = source.chunks_exact(plane.words()).zip(sums.chunks_exact_mut(plane.flat()));
        for (p, (source, sums)) in (first..first + input.len() / size_in).zip(planes) {
            let weights = &weight[p % channels * offsets.len()..][..offsets.len()];
            match (<&[f32; 9]>::try_from(weights), <&[usize; 9]>::try_from(offsets.as_slice())) {
                (Ok(weights), Ok(offsets)) => nine_taps(simd, weights, offsets, source, columns, sums),
                _ => any_taps(simd, weights, offsets, source, columns, sums),
            }
        }
        for (p, (output, sums)) in (first..).zip(output.chunks_exact_mut(size_out).zip(sums.chunks_exact(plane.flat()))) {
            for (row, sums) in output.chunks_exact_mut(c.w_out).zip(sums.chunks(padded.pitch)) {
                copy(simd, &sums[..c.w_out], row);
            }
            epilogue.apply(simd, p % channels, output);
        }
    }
}

#[inline(always)]
fn nine_taps<S: Simd>(simd: S, weights: &[f32; 9], offsets: &[usize; 9], source: &[f32], columns: usize, sums: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let taps: [S::f32s; 9] = std::array::from_fn(|t| S::f32s::splat(simd, weights[t]));
    let source: [&[f32]; 9] = std::array::from_fn(|t| &source[offsets[t]..][..columns.next_multiple_of(lanes)]);
    for at in (0..columns).step_by(lanes) {
        let mut sum = taps[0] * S::f32s::from_slice(simd, &source[0][at..][..lanes]);
        for t in 1..9 {
            sum = taps[t].mul_add(S::f32s::from_slice(simd, &source[t][at..][..lanes]), sum);
        }
        sum.store_slice(&mut sums[at..][..lanes]);
    }
}

#[inline(always)]
fn any_taps<S: Simd>(simd: S, weights: &[f32], offsets: &[usize], source: &[f32], columns: usize, sums: &mut [f32]) {
    let lanes = S::f32s::LEN;
    for at in (0..columns).step_by(lanes) {
        let mut sum = S::f32s::splat(simd, 0.0);
        for (&weight, &offset) in weights.iter().zip(offsets) {
            sum = S::f32s::splat(simd, weight).mul_add(S::f32s::from_slice(simd, &source[offset + at..][..lanes]), sum);
        }
        sum.store_slice(&mut sums[at..][..lanes]);
    }
}

/// grad_weight[channel] = Σ over images of the products of the planes of input and grad_output, a channel's images in order.
pub(crate) fn grad_weight(c: &Window, [images, channels]: [usize; 2], input: &[f32], grad_output: &[f32], grad_weight: &mut [f32]) {
    if rows::fit(c) {
        return rows::grad_weight(c, [images, channels], input, grad_output, grad_weight);
    }
    let plane = Plane::new(c);
    let taps = plane.offsets.len();
    let together = (PIXELS / (images * plane.size_out)).clamp(1, channels.div_ceil(4 * rayon::current_num_threads()));
    grad_weight.par_chunks_mut(taps * together).enumerate().for_each(|(task, grad_weight)| {
        let group = plane.group();
        with_scratch(group * plane.words(), |source| {
            with_scratch(group * plane.flat(), |dy| {
                let units = [images, channels, task * together];
                dispatch!(level(), simd => add_planes(simd, &plane, units, [input, grad_output], [source, dy], grad_weight));
            })
        })
    });
}

/// Channels from `first` on; a channel's sums run over its planes in order, whoever computes them.
#[simd]
fn add_planes<S: Simd>(
    simd: S,
    plane: &Plane,
    [images, channels, first]: [usize; 3],
    [input, grad_output]: [&[f32]; 2],
    [source, dy]: [&mut [f32]; 2],
    grad_weight: &mut [f32],
) {
    let &Plane { ref c, ref padded, ref offsets, size_in, size_out, columns } = plane;
    let (group, taps) = (plane.group(), offsets.len());
    source.fill(0.0);
    // Zeros between the rows and behind the last one add nothing.
    dy.fill(0.0);
    for (first, grad_weight) in (first..).step_by(group).zip(grad_weight.chunks_mut(taps * group)) {
        grad_weight.fill(0.0);
        for p in (0..images).map(|image| image * channels + first) {
            let copies = source.chunks_exact_mut(plane.words()).zip(dy.chunks_exact_mut(plane.flat()));
            for (i, (source, dy)) in copies.enumerate().take(grad_weight.len() / taps) {
                padded.fill(simd, c, &input[(p + i) * size_in..][..size_in], 0, source, true);
                for (row, from) in dy.chunks_mut(padded.pitch).zip(grad_output[(p + i) * size_out..][..size_out].chunks_exact(c.w_out)) {
                    copy(simd, from, &mut row[..c.w_out]);
                }
            }
            let copies = source.chunks_exact(plane.words()).zip(dy.chunks_exact(plane.flat()));
            for (sums, (source, dy)) in grad_weight.chunks_exact_mut(taps).zip(copies) {
                for (sums, offsets) in sums.chunks_mut(9).zip(offsets.chunks(9)) {
                    match (sums.first_chunk_mut::<9>(), offsets.first_chunk::<9>()) {
                        (Some(sums), Some(offsets)) => add_taps(simd, offsets, source, dy, columns, sums),
                        _ => sums
                            .iter_mut()
                            .zip(offsets)
                            .for_each(|(sum, &at)| add_taps(simd, &[at], source, dy, columns, std::array::from_mut(sum))),
                    }
                }
            }
        }
    }
}

/// sums[t] += Σ dy[q] · source[offsets[t] + q].
#[inline(always)]
fn add_taps<S: Simd, const T: usize>(simd: S, offsets: &[usize; T], source: &[f32], dy: &[f32], columns: usize, sums: &mut [f32; T]) {
    let lanes = S::f32s::LEN;
    let mut lane_sums = [S::f32s::splat(simd, 0.0); T];
    let source: [&[f32]; T] = std::array::from_fn(|t| &source[offsets[t]..][..columns.next_multiple_of(lanes)]);
    for at in (0..columns).step_by(lanes) {
        let dy = S::f32s::from_slice(simd, &dy[at..][..lanes]);
        for t in 0..T {
            lane_sums[t] = dy.mul_add(S::f32s::from_slice(simd, &source[t][at..][..lanes]), lane_sums[t]);
        }
    }
    for t in 0..T {
        sums[t] += lane_sums[t].reduce_sum();
    }
}
