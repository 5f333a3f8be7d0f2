//! Host twin of `ceiling_copy`.

use super::params;

params!(
    /// Length in packs of four.
    CeilingCopyParams for "ceiling_copy" { packs: u32 }
);
