//! Host twin of `conv2d_grad_bias`: db[c] = Σ over images and pixels of ∂L/∂y, in one span.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::level::level;
use super::shared::sums::{RUN, lane_sums};

params!(
    /// Extents of `conv2d_grad_bias`, and images and packs of a plane that one workgroup sums.
    Conv2dGradBiasParams for "conv2d_grad_bias" { n: u32, c: u32, packs: u32, span_images: u32, span_packs: u32 }
);

pub(super) fn conv2d_grad_bias(job: &Job<Conv2dGradBiasParams>, [grad_output]: Inputs<1>, [partials]: Outputs<1>) {
    let (n, c, plane) = (job.params.n as usize, job.params.c as usize, job.elements(job.params.packs));
    partials[..c].par_iter_mut().enumerate().for_each(|(channel, sum)| {
        let planes = (0..n).map(|image| &grad_output[(image * c + channel) * plane..][..plane]);
        let runs = planes.flat_map(|plane| plane.chunks(RUN));
        *sum = runs.map(|run| f64::from(dispatch!(level(), simd => total(simd, run)))).sum::<f64>() as f32;
    });
}

#[simd]
fn total<S: Simd>(simd: S, run: &[f32]) -> f32 {
    lane_sums(simd, [run], |term| term)[0]
}
