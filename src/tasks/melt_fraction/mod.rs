//! Daily melt fractions, 0…1 (MeltwaterBench, arXiv 2512.12142): a regression on what radar saw of the land.
//!
//! Scores are the benchmark's: errors of the fraction, and precision, recall and F1 of melt, which is a fraction above
//! [`MELT_THRESHOLD`]; structural similarity after Wang et al. 2004. Kernels: `masked_loss`, `masked_ssim_loss`, `masked_metrics`,
//! `masked_ssim`.

mod certainty;

use super::pixel_loss::PixelLoss;
use super::{Band, Column, Extent, Mean, Scored, Subject, Sure, Tally, Targets, Task, Words, only};
use crate::autograd::Tape;
use crate::calibrate::Curve;
use crate::config::{Config, TaskKey};
use crate::domains::interned;
use crate::error::{Error, Result};
use crate::image::Colormap;
use crate::kernels::masked_metrics::{SceneSums, masked_metrics};
use crate::kernels::masked_ssim::{masked_ssim, ssim_frame};
use crate::models::Outputs;
use crate::tensor::Tensor;
use certainty::{CERTAINTY, Certainty};
use std::borrow::Cow;

/// A pixel melts where its fraction exceeds this.
pub const MELT_THRESHOLD: f64 = 0.1;
/// Standard deviation of the similarity's window, pixels.
pub const SSIM_SIGMA: f64 = 10.0;
/// Range of melt fractions.
pub const DATA_RANGE: [f64; 2] = [0.0, 1.0];

/// The one band of a map of melt.
pub const BAND: Band = Band {
    name: "melt",
    long_name: "surface melt fraction",
    unit: "1",
    quantity: "melt fraction",
    range: (0.0, 1.0),
    colormap: Colormap::Viridis,
    classes: &[],
};

/// The scores in the order of files.
const COLUMNS: [Column; 10] = [
    Column::error("mae", "MAE"),
    Column::error("mse", "MSE"),
    Column { mean: Mean::RootOf("mse"), ..Column::error("rmse", "RMSE") },
    Column::merit("r2", "R²"),
    Column::merit("accuracy", "Accuracy"),
    Column::merit("precision", "Precision"),
    Column::merit("recall", "Recall"),
    Column::merit("f1", "F1"),
    Column::merit("ssim", "SSIM"),
    Column::count("valid_px", "Valid pixels"),
];

const WORDS: Words = Words {
    title: "Surface melt maps",
    stack: "Daily maps of surface melt",
    maps: "Daily melt maps",
    first_score: ["Mean absolute error", "melt fraction"],
    scores: "Means over the days, weighted by the observed pixels on land, and the standard deviation over the days below. \
             Accuracy, F1, precision and recall: melt is a fraction above 0.1. Pooled F1: all pixels of all days at once. \
             SSIM: structural similarity with a Gaussian window of 10 pixels.",
    pooled: &[("f1", "pooled F1")],
    extent: Some(Extent {
        heading: "Melt extent",
        threshold: MELT_THRESHOLD,
        by_year: "Land where the map's melt fraction exceeds 0.1, for every map in the folders; days more than 20 apart are not joined. \
                  Marks at the foot are days with an observed (SAR) map; dots are its extent where it covers nine tenths of the land.",
        by_month: "By month over all years: melting pixels of all maps over all their land pixels; observed: of the observed maps of \
                   the same days over what they cover.",
    }),
    sure: &Sure::FRACTION,
    of: &Subject::DAYS,
};

/// Of a fraction that is not melt, and was not seen by radar for all that is known.
const OWN_WORDS: Words = Words {
    title: "Maps",
    stack: "Daily maps",
    maps: "Daily maps",
    first_score: ["Mean absolute error", "a fraction"],
    scores: "Means over the days, weighted by the observed pixels that the mask leaves, and the standard deviation over the days below. \
             Accuracy, F1, precision and recall: a pixel counts above 0.1. Pooled F1: all pixels of all days at once. \
             SSIM: structural similarity with a Gaussian window of 10 pixels.",
    extent: Some(Extent {
        heading: "Extent",
        threshold: MELT_THRESHOLD,
        by_year: "What exceeds 0.1 of what the mask leaves, for every map in the folders; days more than 20 apart are not joined. \
                  Marks at the foot are days with an observed map; dots are its extent where it covers nine tenths of that.",
        by_month: "By month over all years: pixels above 0.1 of all maps over all their pixels that the mask leaves; observed: of the \
                   observed maps of the same days over what they cover.",
    }),
    ..WORDS
};

/// The task with what a configuration says of it.
pub struct MeltFraction {
    loss: PixelLoss,
    clip: [f32; 2],
    /// Power that maps are raised to.
    power: f64,
    band: Band,
    certainty: Certainty,
    words: &'static Words,
}

impl MeltFraction {
    /// With `loss_function`, maps clipped to `min_melt` … `max_melt` and raised to `map_power`, and the words of the target.
    pub fn new(config: &Config) -> MeltFraction {
        let clip = [config.min_melt as f32, config.max_melt as f32];
        let band = band_of(config);
        let words = if band.name == BAND.name { &WORDS } else { &OWN_WORDS };
        MeltFraction {
            loss: PixelLoss::new(config, DATA_RANGE),
            clip,
            power: config.map_power,
            band,
            certainty: Certainty::new(&config.quantiles),
            words,
        }
    }
}

/// The band of maps of the configured target: a target of a configuration's own is called what that calls it.
fn band_of(config: &Config) -> Band {
    let target = &config.domain().target;
    if target.name == BAND.name {
        return BAND;
    }
    let look = target.look;
    // What is divided first is a share of that, whatever its unit was.
    let is_share = look.unit.is_empty() || config.divisor(target) != 1.0;
    let quantity = if is_share { look.title } else { interned(&format!("{}, {}", look.title, look.unit)) };
    let range = look.range.map_or(BAND.range, |(low, high)| {
        let divided = |value: f32| (f64::from(value) / config.divisor(target)) as f32;
        (divided(low), divided(high))
    });
    let unit = if is_share { BAND.unit } else { look.unit };
    Band { name: target.name, long_name: look.title, unit, quantity, range, colormap: look.colormap, classes: &[] }
}

/// Sums over one map's valid pixels.
fn sums(map: &Tensor, targets: &Targets) -> Result<SceneSums> {
    if map.shape() != targets.values.shape() {
        return Err(Error::shape("melt_fraction", format!("a map {} where {} is expected", map.shape(), targets.values.shape())));
    }
    only(masked_metrics(map, &targets.values, &targets.mask, MELT_THRESHOLD)?)
}

impl Default for MeltFraction {
    /// The absolute error, and all fractions.
    fn default() -> Self {
        MeltFraction {
            loss: PixelLoss::default(),
            clip: [0.0, 1.0],
            power: 1.0,
            band: BAND,
            certainty: Certainty::default(),
            words: &WORDS,
        }
    }
}

impl Task for MeltFraction {
    fn key(&self) -> TaskKey {
        TaskKey::MeltFraction
    }

    fn loss(&self, tape: &Tape, outputs: &Outputs, targets: &Targets) -> Result<Tensor> {
        self.loss.of(tape, outputs, targets)
    }

    fn bands(&self) -> &[Band] {
        std::slice::from_ref(&self.band)
    }

    fn beside(&self) -> &[Band] {
        self.certainty.bands()
    }

    fn certainty(&self) -> Option<[&'static str; 2]> {
        Some(CERTAINTY)
    }

    /// Whether a pixel melts: what the probability beside the map is one of.
    fn right(&self, _map: &[f32], target: &[f32]) -> Vec<f32> {
        target.iter().map(|target| f32::from(f64::from(*target) > MELT_THRESHOLD)).collect()
    }

    fn say_certainty(&mut self) {
        self.certainty.ask();
    }

    fn calibrate(&mut self, curve: &Curve) {
        self.certainty.calibrate(curve);
    }

    fn spread(&mut self) {
        self.certainty.spread();
    }

    fn give_members(&mut self, networks: usize) {
        self.certainty.give_members(networks);
    }

    fn kinds(&self) -> Option<&'static [&'static str]> {
        Some(&["at most 0.1", "above 0.1"])
    }

    fn kind(&self, value: f32) -> usize {
        usize::from(f64::from(value) > MELT_THRESHOLD)
    }

    fn as_mapped(&self, averages: &mut [f32]) {
        if self.power != 1.0 {
            averages.iter_mut().for_each(|value| *value = f64::from(*value).powf(self.power) as f32);
        }
    }

    fn heads(&self) -> usize {
        self.certainty.heads()
    }

    fn pictured<'a>(&self, target: &'a [f32]) -> Cow<'a, [f32]> {
        target.into()
    }

    fn settle(&self, tile: &mut [f32], _pixels: usize) {
        tile.iter_mut().for_each(|value| *value = value.clamp(self.clip[0], self.clip[1]));
    }

    fn finish(&self, mut averages: Vec<f32>, pixels: usize) -> Vec<f32> {
        let mut map = self.certainty.middle(&mut averages, pixels);
        self.as_mapped(&mut map);
        let mut planes = self.certainty.planes(&averages, pixels);
        self.as_mapped(&mut planes[..self.certainty.quantile_planes() * pixels]);
        map.extend(planes);
        map
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn table(&self) -> &'static [&'static str] {
        // First those that the benchmark's paper lists, in its order.
        &["mae", "mse", "accuracy", "f1", "ssim", "rmse", "r2", "precision", "recall", "valid_px"]
    }

    fn headline(&self) -> &'static [&'static str] {
        &["mae", "f1"]
    }

    fn summary(&self) -> &'static [&'static str] {
        &["mae", "f1", "ssim"]
    }

    fn watched(&self) -> &'static [&'static str] {
        &["mae", "f1"]
    }

    fn watch(&self, map: &Tensor, targets: &Targets) -> Result<Vec<f64>> {
        let scores = sums(map, targets)?.scores();
        Ok(vec![scores.mae, scores.f1])
    }

    fn score(&self, map: &Tensor, targets: &Targets) -> Result<Scored> {
        let sums = sums(map, targets)?;
        let ssim = only(masked_ssim(map, &targets.values, &targets.mask, SSIM_SIGMA, DATA_RANGE)?)?;
        let s = sums.scores();
        let values = vec![s.mae, s.mse, s.rmse, s.r2, s.accuracy, s.precision, s.recall, s.f1, ssim, s.valid_px as f64];
        let counts = [sums.valid, sums.hits, sums.false_alarms, sums.misses];
        Ok(Scored { valid: sums.valid, values, tally: Tally(counts.iter().map(|count| *count as f64).collect()) })
    }

    fn pooled(&self, tally: &Tally) -> Vec<(&'static str, f64)> {
        let count = |index: usize| tally.0.get(index).map_or(0, |count| *count as u64);
        let all = SceneSums { valid: count(0), hits: count(1), false_alarms: count(2), misses: count(3), ..SceneSums::default() };
        vec![("precision", all.precision()), ("recall", all.recall()), ("f1", all.f1())]
    }

    fn words(&self) -> &'static Words {
        self.words
    }

    fn is_fraction(&self) -> bool {
        true
    }

    fn warning(&self, [rows, cols]: [usize; 2]) -> Option<String> {
        let frame = ssim_frame(SSIM_SIGMA);
        (rows.min(cols) <= 2 * frame).then(|| {
            format!("SSIM leaves out a frame of {frame} pixels, and nothing remains of scenes of {rows} × {cols} pixels: it is 0 for all of them")
        })
    }
}
