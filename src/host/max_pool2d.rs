//! Host twin of `max_pool2d`: the maximum of every window and its position in the plane; ties to the first in scan order, NaN wins.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

params!(
    /// Extents and window.
    MaxPool2dParams for "max_pool2d", "max_pool2d_2x2", "max_pool2d_grad_input", "max_pool2d_grad_input_2x2" {
        planes: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, kernel: u32, stride: u32, padding: u32,
    }
);

pub(super) fn max_pool2d(job: &Job<MaxPool2dParams>, [input]: Inputs<1>, [output, index]: Outputs<2>) {
    let p = &job.params;
    let [planes, h_in, w_in, h_out, w_out] = [p.planes, p.h_in, p.w_in, p.h_out, p.w_out].map(|v| v as usize);
    let index: &mut [u32] = bytemuck::cast_slice_mut(index);
    // A row of windows a task and more, so that few planes are shared out, too.
    let rows = output[..planes * h_out * w_out].par_chunks_exact_mut(w_out).zip(index.par_chunks_exact_mut(w_out)).enumerate();
    rows.with_min_len(items_a_task(p.kernel as usize * w_in)).for_each(|(i, (output, index))| {
        let plane = &input[i / h_out * h_in * w_in..][..h_in * w_in];
        let row = i % h_out;
        if (p.kernel, p.stride, p.padding) == (2, 2, 0) {
            let (above, below) = plane[2 * row * w_in..][..2 * w_in].split_at(w_in);
            dispatch!(level(), simd => quarter(simd, [above, below], (2 * row * w_in) as u32, output, index));
        } else {
            row_of_windows(plane, p, row, output, index);
        }
    });
}

/// A value takes the maximum's place where it is larger, or NaN.
#[inline(always)]
fn wins(value: f32, best: f32) -> bool {
    (value > best) | value.is_nan()
}

/// A row of 2×2 windows without gaps.
#[simd]
fn quarter<S: Simd>(_: S, [above, below]: [&[f32]; 2], first: u32, output: &mut [f32], index: &mut [u32]) {
    let width = above.len() as u32;
    let rows = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
    for (i, ((output, index), (&[a, b], &[c, d]))) in output.iter_mut().zip(index).zip(rows).enumerate() {
        let at = first + 2 * i as u32;
        let (mut best, mut place) = (a, at);
        for (value, own) in [(b, at + 1), (c, at + width), (d, at + width + 1)] {
            let better = wins(value, best);
            best = if better { value } else { best };
            place = if better { own } else { place };
        }
        (*output, *index) = (best, place);
    }
}

/// A row of any windows.
fn row_of_windows(plane: &[f32], p: &MaxPool2dParams, row: usize, output: &mut [f32], index: &mut [u32]) {
    let [h_in, w_in, kernel, stride, padding] = [p.h_in, p.w_in, p.kernel, p.stride, p.padding].map(|v| v as usize);
    let range = |at: usize, size: usize| {
        let first = at * stride;
        first.saturating_sub(padding)..(first + kernel - padding).min(size)
    };
    let rows = range(row, h_in);
    for (col, (output, index)) in output.iter_mut().zip(index).enumerate() {
        let cols = range(col, w_in);
        let mut place = rows.start * w_in + cols.start;
        let mut best = plane[place];
        for row in rows.clone() {
            for col in cols.clone() {
                if wins(plane[row * w_in + col], best) {
                    place = row * w_in + col;
                    best = plane[place];
                }
            }
        }
        (*output, *index) = (best, place as u32);
    }
}
