//! Host twin of `sum_partials`.

use super::params;

params!(
    /// Number of parts and length of each.
    SumPartialsParams for "sum_partials" { parts: u32, len: u32 }
);
