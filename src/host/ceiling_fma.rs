//! Host twin of `ceiling_fma`.

use super::params;

params!(
    /// Invocations, rounds of [`STEPS`] multiplications and additions, and the recurrence a ← a·factor + term.
    CeilingFmaParams for "ceiling_fma" { len: u32, rounds: u32, factor: f32, term: f32 }
);
