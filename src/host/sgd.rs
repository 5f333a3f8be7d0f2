//! Host twin of `sgd`.

use super::params;

params!(
    /// Length in packs of four and the coefficients of one SGD step.
    SgdParams for "sgd" { packs: u32, learning_rate: f32, momentum: f32, weight_decay: f32 }
);
