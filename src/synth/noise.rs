//! Seeded randomness for the synthetic scene: one ChaCha8 stream per purpose and day, gradient noise and its fractal sums.
//!
//! Gradient noise after K. Perlin, "Improving noise" (2002): gradients on an integer lattice, quintic fade, values about −0.7…0.7.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream of random numbers is used for; part of its seed, so that one purpose never shifts another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Coast, fjords and elevation.
    Terrain = 1,
    /// Warm spells of a year.
    Season = 2,
    /// Which swath a day has.
    Swath = 3,
    /// Where melt departs from elevation for good.
    MeltStatic = 4,
    /// Where melt departs from elevation on one day.
    MeltDaily = 5,
    /// The climate model's own errors.
    Mar = 6,
    /// Brightness temperatures.
    Pmw = 7,
}

/// The stream for a purpose and an index (a day number, a year, 0).
pub fn stream(seed: u64, purpose: Purpose, index: i64) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
    key[16..24].copy_from_slice(&index.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// A uniform number in 0…1.
pub fn uniform(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1u32 << 24) as f32
}

/// A number with mean 0 and standard deviation 1, bell-shaped (Irwin–Hall of 12).
pub fn normal(rng: &mut ChaCha8Rng) -> f32 {
    (0..12).map(|_| uniform(rng)).sum::<f32>() - 6.0
}

/// Gradient noise on a lattice of its own.
pub struct Noise {
    order: [u8; 256],
}

impl Noise {
    /// Noise from the stream of a purpose and index.
    pub fn new(seed: u64, purpose: Purpose, index: i64) -> Self {
        let mut rng = stream(seed, purpose, index);
        let mut order: [u8; 256] = std::array::from_fn(|i| i as u8);
        for i in (1..256).rev() {
            order.swap(i, rng.next_u32() as usize % (i + 1));
        }
        Noise { order }
    }

    fn hash(&self, col: i32, row: i32) -> u8 {
        self.order[((self.order[(col & 255) as usize] as i32 + row) & 255) as usize]
    }

    /// Value at a point, about −0.7…0.7, 0 at whole coordinates.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (col, row) = (x.floor(), y.floor());
        let (fx, fy) = (x - col, y - row);
        let (col, row) = (col as i32, row as i32);
        let corner = |dc: i32, dr: i32| {
            let angle = f32::from(self.hash(col.wrapping_add(dc), row.wrapping_add(dr))) * (std::f32::consts::TAU / 256.0);
            angle.cos() * (fx - dc as f32) + angle.sin() * (fy - dr as f32)
        };
        let fade = |t: f32| t * t * t * (t * (t * 6.0 - 15.0) + 10.0);
        let top = mix(corner(0, 0), corner(1, 0), fade(fx));
        let bottom = mix(corner(0, 1), corner(1, 1), fade(fx));
        mix(top, bottom, fade(fy))
    }

    /// Fractal sum of `octaves`, each half as wide and half as high, scaled to about −1…1.
    pub fn fractal(&self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut height, mut scale) = (0.0, 0.75, 1.0);
        for octave in 0..octaves {
            let shift = 17.3 * octave as f32;
            sum += height * self.at(x * scale + shift, y * scale - shift);
            height *= 0.5;
            scale *= 2.0;
        }
        sum
    }

    /// Ridged fractal sum in 0…1: sharp crests at 1, round valleys.
    pub fn ridged(&self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut total, mut height, mut scale) = (0.0, 0.0, 1.0, 1.0);
        for octave in 0..octaves {
            let shift = 31.7 * octave as f32;
            let crest = 1.0 - (2.2 * self.at(x * scale + shift, y * scale + shift)).abs().min(1.0);
            sum += height * crest * crest;
            total += height;
            height *= 0.5;
            scale *= 2.1;
        }
        sum / total
    }
}

/// Linear interpolation.
pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `low`, 1 above `high`, smooth between.
pub fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
