//! Host twin of `clip_grad_norm`.

use super::params;

params!(
    /// Partial sums of all gradients, largest norm that stays as it is.
    ClipGradNormParams for "clip_grad_norm" { parts: u32, max_norm: f32 }
);
