//! Host twin of `adam`.

use super::params;

params!(
    /// Length in packs of four and the coefficients of one Adam step.
    AdamParams for "adam" {
        packs: u32, rate: f32, correction: f32, one_minus_beta1: f32, beta2: f32, one_minus_beta2: f32, eps: f32, weight_decay: f32
    }
);
