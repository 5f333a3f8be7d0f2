//! Reliability (Bröcker and Smith 2007): pixels sorted by what was predicted, and what was seen there on average.

use serde::Serialize;

/// Bins of predicted fractions, for tables and charts.
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

impl Bin {
    fn add(&mut self, other: Bin) {
        self.valid_px += other.valid_px;
        self.prediction += other.prediction;
        self.target += other.target;
    }

    /// Means of prediction and target; none of an empty bin.
    pub fn means(&self) -> Option<[f64; 2]> {
        (self.valid_px > 0).then(|| [self.prediction, self.target].map(|sum| sum / self.valid_px as f64))
    }
}

/// The valid pixels of one model's maps by predicted fraction; every pixel counts the same, whichever scene it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// Bins of equal width over 0…1, from the least fractions to the greatest; the last one holds 1.
    pub bins: Vec<Bin>,
}

impl Default for Reliability {
    /// [`BINS`] bins.
    fn default() -> Self {
        Reliability::of_bins(BINS)
    }
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
    /// Empty bins, one at least.
    pub fn of_bins(count: usize) -> Reliability {
        Reliability { bins: vec![Bin::default(); count.max(1)] }
    }

    /// Adds the valid pixels of a map; predictions outside 0…1 go to the outer bins as they are.
    ///
    /// # Shapes
    /// All the same length; `mask` 0 where valid.
    pub fn add(&mut self, map: &[f32], target: &[f32], mask: &[f32]) {
        let count = self.bins.len();
        for ((prediction, target), _) in map.iter().zip(target).zip(mask).filter(|(_, mask)| **mask == 0.0) {
            // A conversion to integers saturates, so that NaN and what is below 0 fall into the first bin.
            let bin = &mut self.bins[((prediction * count as f32) as usize).min(count - 1)];
            bin.add(Bin { valid_px: 1, prediction: f64::from(*prediction), target: f64::from(*target) });
        }
    }

    /// The bins with their means.
    pub fn means(&self) -> Vec<BinMeans> {
        let border = |i: usize| i as f64 / self.bins.len() as f64;
        let mean = |(i, bin): (usize, &Bin)| {
            let [mean_prediction, mean_target] = bin.means().map_or([None; 2], |means| means.map(Some));
            BinMeans { from: border(i), to: border(i + 1), valid_px: bin.valid_px, mean_prediction, mean_target }
        };
        self.bins.iter().enumerate().map(mean).collect()
    }

    /// Every `bins.len() / count` bins as one, for a count that divides.
    pub fn coarser(&self, count: usize) -> Reliability {
        let mut coarser = Reliability::of_bins(count);
        let of = self.bins.len() / coarser.bins.len();
        self.bins.chunks(of.max(1)).zip(&mut coarser.bins).for_each(|(fine, bin)| fine.iter().for_each(|other| bin.add(*other)));
        coarser
    }

    /// The pixels sorted anew by what `curve` makes of each bin's mean prediction: fine bins for what it makes of each pixel's.
    pub fn mapped(&self, curve: impl Fn(f64) -> f64) -> Reliability {
        let count = self.bins.len();
        let mut mapped = Reliability::of_bins(count);
        for bin in &self.bins {
            let Some([mean, _]) = bin.means() else { continue };
            let x = curve(mean);
            mapped.bins[((x * count as f64) as usize).min(count - 1)].add(Bin { prediction: x * bin.valid_px as f64, ..*bin });
        }
        mapped
    }

    /// Adds the pixels of others in as many bins.
    pub fn merge(&mut self, other: &Reliability) {
        self.bins.iter_mut().zip(&other.bins).for_each(|(bin, other)| bin.add(*other));
    }

    /// All pixels.
    pub fn valid_px(&self) -> u64 {
        self.bins.iter().map(|bin| bin.valid_px).sum()
    }

    /// The expected calibration error, Σ n·|mean prediction − mean target| / Σ n over the bins (Guo et al. 2017, arXiv 1706.04599); none
    /// without a pixel.
    pub fn expected_calibration_error(&self) -> Option<f64> {
        let apart: f64 = self.bins.iter().map(|bin| (bin.prediction - bin.target).abs()).sum();
        (self.valid_px() > 0).then(|| apart / self.valid_px() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_that_of_the_bins() {
        let mut of = Reliability::of_bins(100);
        // Three of four are right where 0.9 was said, none of one where 0.305 was; the last is masked.
        of.add(&[0.9, 0.9, 0.9, 0.9, 0.305, 0.1], &[1.0, 1.0, 1.0, 0.0, 0.0, 1.0], &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(of.valid_px(), 5);
        let error = of.expected_calibration_error().unwrap();
        assert!((error - (4.0 * 0.15 + 0.305) / 5.0).abs() < 1e-6, "{error}");
        assert_eq!(Reliability::default().expected_calibration_error(), None);
        let tenths = of.coarser(10).means();
        assert_eq!((tenths.len(), tenths[9].valid_px, tenths[3].valid_px, tenths[9].mean_target), (10, 4, 1, Some(0.75)));
        let right = of.mapped(|said| if said > 0.5 { 0.75 } else { 0.0 });
        assert!(right.expected_calibration_error().unwrap() < 1e-12 && right.bins[75].valid_px == 4 && right.bins[0].valid_px == 1);
    }
}
