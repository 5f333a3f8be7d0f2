//! Host twin of `conv2d_grad_bias`: db[c] = Σ over images and pixels of ∂L/∂y, in one span.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::sums::total;

params!(
    /// Extents of `conv2d_grad_bias`, and images and packs of a plane that one workgroup sums.
    Conv2dGradBiasParams for "conv2d_grad_bias" { n: u32, c: u32, packs: u32, span_images: u32, span_packs: u32 }
);

pub(super) fn conv2d_grad_bias(job: &Job<Conv2dGradBiasParams>, [grad_output]: Inputs<1>, [partials]: Outputs<1>) {
    let (n, c, plane) = (job.params.n as usize, job.params.c as usize, job.elements(job.params.packs));
    partials[..c].par_iter_mut().enumerate().for_each(|(channel, sum)| {
        *sum = total((0..n).map(|image| &grad_output[(image * c + channel) * plane..][..plane])) as f32;
    });
}
