//! Seeded draws: one ChaCha8 stream a seed, purpose and index, so that no draw shifts another, and none depends on threads or platforms.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An epoch's crops to fit the weights to.
    Train,
    /// An epoch's crops to validate with.
    Validate,
    /// How an epoch's crop to fit the weights to is changed.
    Augment,
    /// Which of an epoch's crops to fit the weights to are of an unknown region.
    Region,
    /// Windows of a scene whose location is looked for.
    Location,
    /// How the values of such a crop are disturbed, and whether a part of it takes its place.
    Disturb,
    /// Which window such a crop is seen through, where that is drawn anew.
    Zoom,
    /// Which other window shines through the ocean of such a crop.
    MixUp,
    /// The speckle of such a crop.
    Speckle,
    /// The brightness and the gamma of such a crop.
    Light,
    /// What is hidden of such a crop.
    Hide,
    /// The errors of coarse fields of such a crop.
    Coarse,
    /// Which days go to which split.
    Split,
    /// Which days and pixels a fit looks at.
    Sample,
    /// The trials of a fit.
    Trial,
    /// The sets of values that a sweep tries.
    Sweep,
    /// Which days a share of a list has.
    Share,
    /// A made-up scene: coast, fjords and elevation.
    Terrain,
    /// A made-up scene: warm spells of a year.
    Season,
    /// A made-up scene: which swath a day has.
    Swath,
    /// A made-up scene: where melt departs from elevation for good.
    MeltStatic,
    /// A made-up scene: where melt departs from elevation on one day.
    MeltDaily,
    /// A made-up scene: the climate model's own errors.
    Mar,
    /// A made-up scene: brightness temperatures.
    Pmw,
    /// A made-up scene of glaciers: one part of one scene.
    Glacier,
    /// A made-up calving glacier, or one of its scenes.
    Calving,
}

impl Purpose {
    /// The key of its stream. Its parts lie where they lay when each kind of draw was added, so that every draw stays what it was.
    fn key(self, seed: u64, index: i64) -> [u8; 32] {
        let ((purpose_at, purpose), index_at, mark) = match self {
            Purpose::Train => ((16, 1), 8, 0),
            Purpose::Validate => ((16, 2), 8, 0),
            Purpose::Augment => ((16, 3), 8, b'a'),
            Purpose::Region => ((16, 1), 8, b'r'),
            Purpose::Location => ((16, 2), 8, b'r'),
            Purpose::Disturb => ((16, 4), 8, b'a'),
            Purpose::Zoom => ((16, 5), 8, b'a'),
            Purpose::MixUp => ((16, 6), 8, b'a'),
            Purpose::Speckle => ((16, 7), 8, b'a'),
            Purpose::Light => ((16, 8), 8, b'a'),
            Purpose::Hide => ((16, 9), 8, b'a'),
            Purpose::Coarse => ((16, 10), 8, b'a'),
            Purpose::Split => ((8, 1), 16, b'd'),
            Purpose::Sample => ((8, 2), 16, b'd'),
            Purpose::Trial => ((8, 3), 16, b'd'),
            Purpose::Sweep => ((8, 4), 16, b'd'),
            Purpose::Share => ((8, 5), 16, b'd'),
            Purpose::Terrain => ((8, 1), 16, 0),
            Purpose::Season => ((8, 2), 16, 0),
            Purpose::Swath => ((8, 3), 16, 0),
            Purpose::MeltStatic => ((8, 4), 16, 0),
            Purpose::MeltDaily => ((8, 5), 16, 0),
            Purpose::Mar => ((8, 6), 16, 0),
            Purpose::Pmw => ((8, 7), 16, 0),
            Purpose::Glacier => ((8, 1), 16, b'g'),
            Purpose::Calving => ((8, 1), 16, b'c'),
        };
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[index_at..index_at + 8].copy_from_slice(&index.to_le_bytes());
        key[purpose_at] = purpose;
        key[31] = mark;
        key
    }
}

/// A stream of draws.
#[derive(Debug, Clone)]
pub struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// The stream of a seed, a purpose and an index (an epoch, a month, a day's number, 0).
    pub fn new(seed: u64, purpose: Purpose, index: i64) -> Draw {
        Draw { rng: ChaCha8Rng::from_seed(purpose.key(seed, index)) }
    }

    /// The stream of a network's first weights.
    pub fn weights(seed: u64) -> Draw {
        Draw { rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.rng.next_u32()
    }

    /// A number in 0..bound by multiplication; the bias is below bound · 2⁻⁶⁴. 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.rng.next_u64()) * bound as u128) >> 64) as usize
    }

    /// A uniform number from 0 up to but not including 1, in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A uniform number from 0 up to but not including 1, in steps of 2⁻²⁴: exact in f32.
    pub fn uniform(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / (1u32 << 24) as f32
    }

    /// A number with mean 0 and standard deviation 1, bell-shaped (Irwin–Hall of 12).
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0
    }

    /// A number with mean 0 and standard deviation 1, bell-shaped between ±4.88: the sum of the eight bytes of one draw, for whole planes.
    pub fn noise(&mut self) -> f32 {
        const EVEN_BYTES: u64 = 0x00ff_00ff_00ff_00ff;
        // √(8 · (256² − 1) / 12)
        const DEVIATION: f32 = 209.021_53;
        let bits = self.rng.next_u64();
        let pairs = (bits & EVEN_BYTES) + (bits >> 8 & EVEN_BYTES);
        let sum = pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48;
        (sum as f32 - 1020.0) / DEVIATION
    }

    /// Shuffles in place (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_different_purposes_and_indices_differ() {
        use Purpose::*;
        let purposes = [
            Train, Validate, Augment, Disturb, Region, Location, Split, Sample, Trial, Sweep, Share, Terrain, Season, Swath, MeltStatic,
            MeltDaily, Mar, Pmw, Glacier,
        ];
        let mut first: Vec<u64> =
            purposes.into_iter().flat_map(|purpose| [0, 3].map(|index| Draw::new(7, purpose, index).rng.next_u64())).collect();
        first.extend([7, 8].map(|seed| Draw::weights(seed).rng.next_u64()));
        let streams = first.len();
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), streams);
    }

    #[test]
    fn noise_is_bell_shaped() {
        let mut draw = Draw::new(7, Purpose::Augment, 0);
        let values: Vec<f64> = (0..200_000).map(|_| f64::from(draw.noise())).collect();
        let moment = |power: i32| values.iter().map(|value| value.powi(power)).sum::<f64>() / values.len() as f64;
        // Three standard errors of each; the fourth moment of eight uniform numbers is 3 − 1.2 / 8.
        for (power, wanted, room) in [(1, 0.0, 0.0068), (2, 1.0, 0.0094), (3, 0.0, 0.026), (4, 2.85, 0.064)] {
            assert!((moment(power) - wanted).abs() < room, "moment {power}: {}", moment(power));
        }
    }
}
