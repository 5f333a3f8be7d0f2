//! Host twin of `max_pool2d_grad_input`: every maximum's position receives its window's gradient, windows in scan order.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::max_pool2d::MaxPool2dParams;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

pub(super) fn max_pool2d_grad_input(job: &Job<MaxPool2dParams>, [grad_output, index]: Inputs<2>, [grad_input]: Outputs<1>) {
    let p = &job.params;
    let [planes, h_in, w_in, h_out, w_out] = [p.planes, p.h_in, p.w_in, p.h_out, p.w_out].map(|v| v as usize);
    let index: &[u32] = bytemuck::cast_slice(index);
    let sides = grad_output.par_chunks_exact(h_out * w_out).zip(index.par_chunks_exact(h_out * w_out));
    let planes = grad_input[..planes * h_in * w_in].par_chunks_exact_mut(h_in * w_in).zip(sides);
    let quartering = (p.kernel, p.stride, p.padding) == (2, 2, 0);
    planes.with_min_len(items_a_task(h_in * w_in)).for_each(|(grad_input, (grad_output, index))| {
        if quartering {
            dispatch!(level(), simd => quarter(simd, grad_output, index, [w_in, w_out], grad_input));
        } else {
            grad_input.fill(0.0);
            grad_output.iter().zip(index).for_each(|(gradient, &at)| grad_input[at as usize] += gradient);
        }
    });
}

/// A plane of 2×2 windows without gaps; an odd last row or column lies in none.
#[simd]
fn quarter<S: Simd>(_: S, grad_output: &[f32], index: &[u32], [w_in, w_out]: [usize; 2], grad_input: &mut [f32]) {
    let windows = grad_output.chunks_exact(w_out).zip(index.chunks_exact(w_out));
    let rows = grad_input.chunks_mut(2 * w_in);
    let mut done = 0;
    for (row, ((gradients, index), to)) in windows.zip(rows).enumerate() {
        done += to.len();
        let (above, below) = to.split_at_mut(w_in);
        let first = (2 * row * w_in) as u32;
        for (row, first) in [(&mut *above, first), (below, first + w_in as u32)] {
            let (pairs, rest) = row.as_chunks_mut::<2>();
            rest.fill(0.0);
            for ((pair, at), (&gradient, &index)) in pairs.iter_mut().zip((first..).step_by(2)).zip(gradients.iter().zip(index)) {
                *pair = [if index == at { gradient } else { 0.0 }, if index == at + 1 { gradient } else { 0.0 }];
            }
        }
    }
    grad_input[done..].fill(0.0);
}
