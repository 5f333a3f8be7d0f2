//! Host twin of `batch_norm_affine`: batch norm of evaluation as one factor and one summand a channel.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Channels.
    BatchNormAffineParams for "batch_norm_affine" { c: u32, eps: f32 }
);

pub(super) fn batch_norm_affine(
    job: &Job<BatchNormAffineParams>,
    [running_mean, running_var, weight, bias]: Inputs<4>,
    [scale, shift]: Outputs<2>,
) {
    for c in 0..job.params.c as usize {
        scale[c] = weight[c] / (running_var[c] + job.params.eps).sqrt();
        shift[c] = bias[c] - running_mean[c] * scale[c];
    }
}
