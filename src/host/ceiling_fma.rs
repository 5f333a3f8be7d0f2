//! Host twin of `ceiling_fma`: the rate of arithmetic. A lane is an invocation and a vector one of its chains; twelve vectors at a time fit
//! into 16 registers and hide the latency.

use fearless_simd::{Simd, dispatch, prelude::*};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::level::{level, level_of};

params!(
    /// Invocations, rounds of [`STEPS`] multiplications and additions, and the recurrence a ← a·factor + term.
    CeilingFmaParams for "ceiling_fma" { len: u32, rounds: u32, factor: f32, term: f32 }
);

/// Multiplications and additions a round of each chain.
pub const STEPS: usize = 16;
/// Independent chains an invocation.
pub const CHAINS: usize = 24;
/// Invocations that begin with values of their own; later ones repeat them.
const STARTS: usize = 64;
/// Chains that are worked on at once.
const AT_ONCE: usize = 12;

pub(super) fn ceiling_fma(job: &Job<CeilingFmaParams>, []: Inputs<0>, [output]: Outputs<1>) {
    // 0: the set in use, else one more than the number of another.
    let level = (job.constant("ISA") as usize).checked_sub(1).map_or(level(), level_of);
    let output = output[..job.params.len as usize].par_chunks_mut(STARTS);
    output.for_each(|output| dispatch!(level, simd => chains(simd, &job.params, output)));
}

/// The sums of up to 64 invocations' chains.
#[simd]
fn chains<S: Simd>(simd: S, c: &CeilingFmaParams, output: &mut [f32]) {
    let lanes = S::f32s::LEN;
    let (factor, term) = (S::f32s::splat(simd, c.factor), S::f32s::splat(simd, c.term));
    for (i, output) in output.chunks_mut(lanes).enumerate() {
        let mut sum = S::f32s::splat(simd, 0.0);
        for first in (0..CHAINS).step_by(AT_ONCE) {
            let start = |chain: usize| S::f32s::from_fn(simd, |lane| (i * lanes + lane + first + chain) as f32);
            let mut chains: [S::f32s; AT_ONCE] = std::array::from_fn(start);
            for _ in 0..c.rounds {
                for _ in 0..STEPS {
                    for chain in &mut chains {
                        *chain = chain.mul_add(factor, term);
                    }
                }
            }
            for chain in chains {
                sum += chain;
            }
        }
        output.copy_from_slice(&sum.as_slice()[..output.len()]);
    }
}
