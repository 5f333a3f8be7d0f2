//! Host twin of `activation`.

use super::params;

params!(
    /// Length in packs of four.
    ActivationParams for "activation", "activation_grad" { packs: u32 }
);
