//! Host twin of `mul_row_grad_row`: the sum over every plane of grad_output · input, runs of products added up in f64, in order.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::chunks::items_a_task;
use super::shared::level::level;

params!(
    /// Planes, and the elements of one.
    MulRowGradRowParams for "mul_row_grad_row" { planes: u32, plane: u32 }
);

/// Sums side by side, whatever the width of the machine's vectors.
const LANES: usize = 32;
/// Products that are added up in f32 before they join the sum in f64.
const RUN: usize = 64 * LANES;

pub(super) fn mul_row_grad_row(job: &Job<MulRowGradRowParams>, [grad_output, input]: Inputs<2>, [grad_row]: Outputs<1>) {
    let (planes, plane) = (job.params.planes as usize, job.params.plane as usize);
    let of_planes = grad_row[..planes].par_iter_mut().zip(grad_output.par_chunks_exact(plane)).zip(input.par_chunks_exact(plane));
    of_planes.with_min_len(items_a_task(plane)).for_each(|((sum, grads), values)| {
        let runs = grads.chunks(RUN).zip(values.chunks(RUN));
        *sum = runs.map(|(grads, values)| f64::from(dispatch!(level(), simd => products(simd, grads, values)))).sum::<f64>() as f32;
    });
}

#[simd]
fn products<S: Simd>(_: S, a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in rest_a.iter().zip(rest_b).enumerate() {
        sums[lane] += a * b;
    }
    sums.iter().sum()
}
