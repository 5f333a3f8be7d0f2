//! What happens to the values of a feature, the bands of one variable together, as GlaViTU's program does it (Maslov et al. 2025,
//! doi 10.1038/s41467-024-54956-x): contrast, occlusion and a shift, each in half of all crops, and whether noise follows.
//!
//! All three act on values as a network sees them, before a blur. Contrast is x ← x^g with a power g of its own for each channel; what has
//! no such power, as values below 0, becomes 0. Occlusion makes a rectangle 0 in all channels. A shift is one number a channel.

use crate::preprocess::Unit;
use crate::random::Draw;

/// What may happen to features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Disturbance {
    /// Bounds of the power; 1 and 1 for none.
    pub(super) contrast: [f64; 2],
    /// Largest share of a crop's side that a rectangle has; 0 for none.
    pub(super) occlusion: f64,
    /// Standard deviation of the shift, in units; 0 for none.
    pub(super) shift: f64,
    /// Probability of noise, where it is asked for.
    pub(super) noise_probability: f64,
}

/// What happens to one feature of one crop.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    /// The power of each channel.
    powers: Option<Vec<f64>>,
    /// First row and column, rows and columns.
    rectangle: Option<[usize; 4]>,
    /// The shift of each channel.
    shifts: Option<Vec<f64>>,
    /// Whether noise follows.
    pub(super) is_noisy: bool,
}

impl Disturbance {
    /// Changes nothing.
    pub(super) const NONE: Disturbance = Disturbance { contrast: [1.0, 1.0], occlusion: 0.0, shift: 0.0, noise_probability: 1.0 };

    /// Draws what happens to a feature of so many channels in a crop of `size` = [rows, columns]; as many draws whatever is asked for, so
    /// that one change leaves the others what they are without it.
    pub(super) fn drawn(&self, draw: &mut Draw, channels: usize, size: [usize; 2]) -> Drawn {
        let half = |draw: &mut Draw| draw.unit() <= super::HALF;
        let [low, high] = self.contrast;
        let is_contrasted = half(draw);
        let powers: Vec<f64> = (0..channels).map(|_| low + (high - low) * draw.unit()).collect();
        let is_occluded = half(draw);
        let sides = size.map(|side| (self.occlusion * side as f64 * draw.unit()).floor() as usize);
        let [row, col] = [0, 1].map(|axis| draw.below(size[axis].saturating_sub(sides[axis])));
        let is_shifted = half(draw);
        let shifts: Vec<f64> = (0..channels).map(|_| self.shift * f64::from(draw.normal())).collect();
        Drawn {
            powers: (is_contrasted && self.contrast != Disturbance::NONE.contrast).then_some(powers),
            rectangle: (is_occluded && self.occlusion > 0.0).then_some([row, col, sides[0], sides[1]]),
            shifts: (is_shifted && self.shift > 0.0).then_some(shifts),
            is_noisy: draw.unit() < self.noise_probability,
        }
    }
}

impl Drawn {
    /// Changes raw values of the feature's channel of this number, in rows of `width`.
    pub(super) fn change(&self, number: usize, unit: Unit, width: usize, values: &mut [f32]) {
        if let Some(power) = self.powers.as_ref().and_then(|powers| powers.get(number)) {
            for value in values.iter_mut() {
                let changed = unit.seen(*value).powf(*power);
                *value = if changed.is_nan() { unit.zero() } else { unit.raw(changed) };
            }
        }
        if let Some([row, col, rows, cols]) = self.rectangle {
            values.chunks_exact_mut(width).skip(row).take(rows).for_each(|line| line[col..col + cols].fill(unit.zero()));
        }
        if let Some(shift) = self.shifts.as_ref().and_then(|shifts| shifts.get(number)) {
            values.iter_mut().for_each(|value| *value = unit.raw(unit.seen(*value) + shift));
        }
    }
}
