//! Host twin of `dropout`.

use super::params;

params!(
    /// Length in packs of four, the two halves of the key, the first word that is kept, the factor of what is kept.
    DropoutParams for "dropout" { packs: u32, key_a: u32, key_b: u32, threshold: u32, scale: f32 }
);
