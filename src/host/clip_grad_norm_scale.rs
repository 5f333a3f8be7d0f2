//! Host twin of `clip_grad_norm_scale`.

use super::params;

params!(
    /// Length in packs of four.
    ClipGradNormScaleParams for "clip_grad_norm_scale" { packs: u32 }
);
