//! Host twin of `clip_grad_norm`: norm = unscale · √Σ squares, scale = unscale · min(1, max_norm / (norm + 1e-6)); a norm that is NaN gives
//! a scale that is NaN. The partial sums are added one after the other in f64.

use super::job::{Inputs, Job, Outputs};
use super::params;

params!(
    /// Partial sums of all gradients, largest norm that stays as it is, what gradients are to be multiplied by.
    ClipGradNormParams for "clip_grad_norm" { parts: u32, max_norm: f32, unscale: f32 }
);

pub(super) fn clip_grad_norm(job: &Job<ClipGradNormParams>, [squares]: Inputs<1>, [scale, total_norm]: Outputs<2>) {
    let sum: f64 = squares[..job.params.parts as usize].iter().map(|&square| f64::from(square)).sum();
    let norm = sum.sqrt() as f32 * job.params.unscale;
    let factor = job.params.max_norm / (norm + 1e-6);
    total_norm[0] = norm;
    scale[0] = if factor >= 1.0 { 1.0 } else { factor } * job.params.unscale;
}
