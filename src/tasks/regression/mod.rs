//! A quantity of any kind. Targets are learnt divided by `max_<target>`; maps and scores are in the unit of the target's files.
//!
//! Maps are clipped where `min_melt` or `max_melt` are given; an `out_activation` that reaches the quantity's values is the user's to
//! choose. Scores are errors, the coefficient of determination, and structural similarity after Wang et al. 2004 over the target's
//! `range_<target>`. Kernels: `masked_loss`, `masked_ssim_loss`, `masked_metrics`, `masked_ssim`.

use super::pixel_loss::PixelLoss;
use super::{Band, Column, Mean, Scored, Subject, Sure, Tally, Targets, Task, Words, only};
use crate::autograd::Tape;
use crate::config::{Config, TaskKey};
use crate::domains::{Look, interned};
use crate::error::{Error, Result};
use crate::image::Colormap;
use crate::kernels::masked_metrics::{SceneSums, masked_metrics};
use crate::kernels::masked_ssim::masked_ssim;
use crate::models::Outputs;
use crate::tensor::Tensor;
use std::borrow::Cow;

/// Standard deviation of the similarity's window, pixels.
const SSIM_SIGMA: f64 = 3.0;

/// The scores in the order of files.
const COLUMNS: [Column; 6] = [
    Column::error("mae", "MAE"),
    Column::error("mse", "MSE"),
    Column { mean: Mean::RootOf("mse"), ..Column::error("rmse", "RMSE") },
    Column::merit("r2", "R²"),
    Column::merit("ssim", "SSIM"),
    Column::count("valid_px", "Valid pixels"),
];

const WORDS: Words = Words {
    title: "Maps",
    stack: "Daily maps",
    maps: "Daily maps",
    first_score: ["Mean absolute error", "the target's unit"],
    scores: "Means over the days, weighted by the observed pixels that the mask leaves, and the standard deviation over the days below. \
             Pooled R²: all pixels of all days at once. SSIM: structural similarity with a Gaussian window of 3 pixels.",
    pooled: &[("r2", "pooled R²")],
    extent: None,
    sure: &Sure::FRACTION,
    of: &Subject::DAYS,
};

/// The task with what a configuration says of it.
pub struct Regression {
    loss: PixelLoss,
    /// Bounds of what is learnt, where there are any.
    clip: [f32; 2],
    /// What a learnt value is multiplied by to be one of a map.
    factor: f64,
    band: [Band; 1],
}

impl Regression {
    /// With `loss_function`, and the target's name, label, unit, range and colours.
    pub fn new(config: &Config) -> Regression {
        let target = &config.domain().target;
        let Look { title, unit, range, colormap, .. } = target.look;
        let factor = config.divisor(target);
        let bound = |key: &str, value: f64, without: f32| if config.given.contains(key) { (value / factor) as f32 } else { without };
        let quantity = if unit.is_empty() { title.to_owned() } else { format!("{title}, {unit}") };
        let range = range.unwrap_or((0.0, factor as f32));
        let band = Band { name: target.name, long_name: title, unit, quantity: interned(&quantity), range, colormap, classes: &[] };
        let clip = [bound("min_melt", config.min_melt, f32::NEG_INFINITY), bound("max_melt", config.max_melt, f32::INFINITY)];
        let learnt = [range.0, range.1].map(|end| f64::from(end) / factor);
        Regression { loss: PixelLoss::new(config, learnt), clip, factor, band: [band] }
    }
}

impl Default for Regression {
    /// The absolute error of something without a name, 0…1.
    fn default() -> Self {
        let band = Band {
            name: "value",
            long_name: "value",
            unit: "",
            quantity: "value",
            range: (0.0, 1.0),
            colormap: Colormap::Viridis,
            classes: &[],
        };
        Regression { loss: PixelLoss::default(), clip: [f32::NEG_INFINITY, f32::INFINITY], factor: 1.0, band: [band] }
    }
}

impl Regression {
    /// A map in the unit that is learnt.
    fn learnt(&self, map: &Tensor) -> Result<Tensor> {
        if self.factor == 1.0 {
            return Ok(map.clone());
        }
        let values: Vec<f32> = map.to_vec()?.into_iter().map(|value| (f64::from(value) / self.factor) as f32).collect();
        Tensor::from_slice(map.gpu(), map.shape().clone(), &values)
    }

    /// Learnt values as those of a map.
    fn of_map(&self, values: impl IntoIterator<Item = f32>) -> Vec<f32> {
        values.into_iter().map(|value| if self.factor == 1.0 { value } else { (f64::from(value) * self.factor) as f32 }).collect()
    }
}

/// Sums over one map's valid pixels.
fn sums(map: &Tensor, targets: &Targets) -> Result<SceneSums> {
    if map.shape() != targets.values.shape() {
        return Err(Error::shape("regression", format!("a map {} where {} is expected", map.shape(), targets.values.shape())));
    }
    // Errors and spreads know no threshold.
    only(masked_metrics(map, &targets.values, &targets.mask, 0.0)?)
}

impl Task for Regression {
    fn key(&self) -> TaskKey {
        TaskKey::Regression
    }

    fn loss(&self, tape: &Tape, outputs: &Outputs, targets: &Targets) -> Result<Tensor> {
        self.loss.of(tape, outputs, targets)
    }

    fn bands(&self) -> &[Band] {
        &self.band
    }

    fn pictured<'a>(&self, target: &'a [f32]) -> Cow<'a, [f32]> {
        if self.factor == 1.0 { target.into() } else { self.of_map(target.iter().copied()).into() }
    }

    fn settle(&self, tile: &mut [f32], _pixels: usize) {
        tile.iter_mut().for_each(|value| *value = value.clamp(self.clip[0], self.clip[1]));
    }

    fn finish(&self, averages: Vec<f32>, _pixels: usize) -> Vec<f32> {
        self.of_map(averages)
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn table(&self) -> &'static [&'static str] {
        &["mae", "rmse", "r2", "ssim", "mse", "valid_px"]
    }

    fn headline(&self) -> &'static [&'static str] {
        &["mae", "r2"]
    }

    fn summary(&self) -> &'static [&'static str] {
        &["mae", "rmse", "r2"]
    }

    fn watched(&self) -> &'static [&'static str] {
        &["mae", "r2"]
    }

    fn watch(&self, map: &Tensor, targets: &Targets) -> Result<Vec<f64>> {
        let scores = sums(&self.learnt(map)?, targets)?.scores();
        Ok(vec![scores.mae * self.factor, scores.r2])
    }

    fn score(&self, map: &Tensor, targets: &Targets) -> Result<Scored> {
        let map = self.learnt(map)?;
        let sums = sums(&map, targets)?;
        let (low, high) = self.band[0].range;
        let range = [low, high].map(|end| f64::from(end) / self.factor);
        let ssim = only(masked_ssim(&map, &targets.values, &targets.mask, SSIM_SIGMA, range)?)?;
        let s = sums.scores();
        let (valid, factor) = (sums.valid as f64, self.factor);
        let values = vec![s.mae * factor, s.mse * factor * factor, s.rmse * factor, s.r2, ssim, valid];
        let squares = sums.target_spread + sums.target_mean.powi(2) * valid;
        let tally = Tally(vec![valid, sums.sq_sum, sums.target_mean * valid, squares]);
        Ok(Scored { valid: sums.valid, values, tally })
    }

    fn pooled(&self, tally: &Tally) -> Vec<(&'static str, f64)> {
        let sum = |index: usize| tally.0.get(index).copied().unwrap_or_default();
        let (valid, errors) = (sum(0), sum(1));
        let target_mean = if valid > 0.0 { sum(2) / valid } else { 0.0 };
        let spread = (sum(3) - target_mean.powi(2) * valid).max(0.0);
        // The target's extremes are needed only where it is constant, which its spread says, too.
        let (target_min, target_max) = if spread > 0.0 { (0.0, 1.0) } else { (0.0, 0.0) };
        let all = SceneSums {
            valid: valid as u64,
            sq_sum: errors,
            target_mean,
            target_spread: spread,
            target_min,
            target_max,
            ..SceneSums::default()
        };
        vec![("r2", all.r2())]
    }

    fn words(&self) -> &'static Words {
        &WORDS
    }
}
