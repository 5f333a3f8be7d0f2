//! Host twin of `rmsprop`.

use super::params;

params!(
    /// Length in packs of four and the coefficients of one RMSprop step.
    RmsPropParams for "rmsprop" {
        packs: u32, learning_rate: f32, alpha: f32, one_minus_alpha: f32, eps: f32, momentum: f32, weight_decay: f32
    }
);
