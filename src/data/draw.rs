//! Seeded draws: whole numbers, shuffles and ranges from one ChaCha8 stream per seed, purpose and index.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What is drawn; each purpose has a stream of its own, so that one never shifts another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Which days go to which split.
    Split = 1,
    /// Which days and pixels a fit looks at.
    Sample = 2,
    /// The trials of a fit.
    Trial = 3,
}

/// A stream of draws.
#[derive(Debug, Clone)]
pub struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// The stream of a seed, a purpose and an index (a month, 0).
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Draw {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = purpose as u8;
        key[16..24].copy_from_slice(&index.to_le_bytes());
        // Apart from the keys of crops and of made-up scenes, which are zero here.
        key[31] = b'd';
        Draw { rng: ChaCha8Rng::from_seed(key) }
    }

    /// A number in 0..bound by multiplication; the bias is below bound · 2⁻⁶⁴. 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.rng.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A uniform number from 0 up to but not including 1.
    pub fn unit(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Shuffles in place (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}
