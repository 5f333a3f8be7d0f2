//! Reliability of predicted fractions (Bröcker and Smith 2007): pixels sorted by what was predicted, and what was seen there on average.

use serde::Serialize;

/// Bins of equal width over 0…1; the last one holds 1.
pub const BINS: usize = 10;

/// The valid pixels of one bin.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Number of pixels.
    pub valid_px: u64,
    /// Sum of the predicted fractions.
    pub prediction: f64,
    /// Sum of the target's.
    pub target: f64,
}

/// The valid pixels of one model's maps by predicted fraction; every pixel counts the same, whichever scene it is from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reliability {
    /// From the least fractions to the greatest.
    pub bins: [Bin; BINS],
}

/// A bin as it is written: its borders, its pixels and their means, which an empty bin does not have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, serde::Deserialize)]
pub struct BinMeans {
    /// Least predicted fraction in it.
    pub from: f64,
    /// The next bin's least fraction.
    pub to: f64,
    /// Number of pixels.
    pub valid_px: u64,
    /// Mean of the predicted fractions.
    pub mean_prediction: Option<f64>,
    /// Mean of the target's.
    pub mean_target: Option<f64>,
}

impl Reliability {
    /// Adds the valid pixels of a map; predictions outside 0…1 go to the outer bins as they are.
    ///
    /// # Shapes
    /// All the same length; `mask` 0 where valid.
    pub fn add(&mut self, map: &[f32], target: &[f32], mask: &[f32]) {
        for ((prediction, target), _) in map.iter().zip(target).zip(mask).filter(|(_, mask)| **mask == 0.0) {
            // A conversion to integers saturates, so that NaN and what is below 0 fall into the first bin.
            let bin = &mut self.bins[((prediction * BINS as f32) as usize).min(BINS - 1)];
            bin.valid_px += 1;
            bin.prediction += f64::from(*prediction);
            bin.target += f64::from(*target);
        }
    }

    /// The bins with their means.
    pub fn means(&self) -> [BinMeans; BINS] {
        std::array::from_fn(|i| {
            let Bin { valid_px, prediction, target } = self.bins[i];
            let mean = |sum: f64| (valid_px > 0).then(|| sum / valid_px as f64);
            let border = |i: usize| i as f64 / BINS as f64;
            BinMeans { from: border(i), to: border(i + 1), valid_px, mean_prediction: mean(prediction), mean_target: mean(target) }
        })
    }
}
