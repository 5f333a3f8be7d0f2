//! Scores of maps against their targets over valid pixels: sums and counts on the device, guards and quotients on the host.
//!
//! Positive is a value above the threshold, compared in float32; a NaN prediction counts as 0. Shader: `shaders/masked_metrics.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::masked_metrics::{MaskedMetricsParams, PACKS_A_PART, WORDS};
use crate::tensor::Tensor;

/// Counts and sums over the valid pixels of one scene, or of several merged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SceneSums {
    /// Valid pixels.
    pub valid: u64,
    /// Positive in both (true positives).
    pub hits: u64,
    /// Positive in the prediction only (false positives).
    pub false_alarms: u64,
    /// Positive in the target only (false negatives).
    pub misses: u64,
    /// Predictions that were NaN and counted as 0.
    pub nan_px: u64,
    /// Σ |pred − target|.
    pub abs_sum: f64,
    /// Σ (pred − target)².
    pub sq_sum: f64,
    /// Mean of the target.
    pub target_mean: f64,
    /// Σ (target − mean)².
    pub target_spread: f64,
    /// Smallest target.
    pub target_min: f32,
    /// Largest target.
    pub target_max: f32,
}

impl Default for SceneSums {
    /// Sums over nothing.
    fn default() -> Self {
        SceneSums {
            valid: 0,
            hits: 0,
            false_alarms: 0,
            misses: 0,
            nan_px: 0,
            abs_sum: 0.0,
            sq_sum: 0.0,
            target_mean: 0.0,
            target_spread: 0.0,
            target_min: f32::INFINITY,
            target_max: f32::NEG_INFINITY,
        }
    }
}

/// Scores of one scene.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Scores {
    /// Mean absolute error.
    pub mae: f64,
    /// Mean squared error.
    pub mse: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Coefficient of determination, at least −1.
    pub r2: f64,
    /// Share of pixels on the right side of the threshold.
    pub accuracy: f64,
    /// Share of predicted positives that are positive; 1 where none is predicted.
    pub precision: f64,
    /// Share of positives that are predicted; 1 where there are none.
    pub recall: f64,
    /// 2PR / (P + R); 0 where P + R = 0.
    pub f1: f64,
    /// Valid pixels.
    pub valid_px: u64,
}

impl SceneSums {
    /// Sums over the pixels of both (Chan et al. 1979 for the target's spread).
    pub fn merge(&mut self, other: &SceneSums) {
        let valid = self.valid + other.valid;
        let share = if valid > 0 { other.valid as f64 / valid as f64 } else { 0.0 };
        let apart = other.target_mean - self.target_mean;
        self.target_spread += other.target_spread + apart * apart * self.valid as f64 * share;
        self.target_mean += apart * share;
        self.valid = valid;
        self.hits += other.hits;
        self.false_alarms += other.false_alarms;
        self.misses += other.misses;
        self.nan_px += other.nan_px;
        self.abs_sum += other.abs_sum;
        self.sq_sum += other.sq_sum;
        self.target_min = self.target_min.min(other.target_min);
        self.target_max = self.target_max.max(other.target_max);
    }

    /// Precision; 1 where nothing is predicted positive.
    pub fn precision(&self) -> f64 {
        share(self.hits, self.hits + self.false_alarms, 1.0)
    }

    /// Recall; 1 where nothing is positive in the target.
    pub fn recall(&self) -> f64 {
        share(self.hits, self.hits + self.misses, 1.0)
    }

    /// F1; 0 where precision and recall are.
    pub fn f1(&self) -> f64 {
        let (p, r) = (self.precision(), self.recall());
        if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }
    }

    /// R², at least −1; 0 for fewer than two pixels; 1 or −1 for a constant target, matched exactly or not.
    pub fn r2(&self) -> f64 {
        if self.valid < 2 {
            0.0
        } else if self.target_min == self.target_max || self.target_spread <= 0.0 {
            if self.sq_sum == 0.0 { 1.0 } else { -1.0 }
        } else {
            (1.0 - self.sq_sum / self.target_spread).max(-1.0)
        }
    }

    /// All scores; a scene without valid pixels has 0 everywhere and precision = recall = F1 = 1.
    pub fn scores(&self) -> Scores {
        let mean = |sum: f64| if self.valid > 0 { sum / self.valid as f64 } else { 0.0 };
        let mse = mean(self.sq_sum);
        Scores {
            mae: mean(self.abs_sum),
            mse,
            rmse: mse.sqrt(),
            r2: self.r2(),
            accuracy: share(self.valid - self.false_alarms - self.misses, self.valid, 0.0),
            precision: self.precision(),
            recall: self.recall(),
            f1: self.f1(),
            valid_px: self.valid,
        }
    }

    /// From the words of one workgroup.
    fn from_words(words: &[f32]) -> SceneSums {
        let count = |k: usize| u64::from(words[k].to_bits());
        SceneSums {
            valid: count(0),
            hits: count(1),
            false_alarms: count(2),
            misses: count(3),
            nan_px: count(4),
            abs_sum: f64::from(words[5]),
            sq_sum: f64::from(words[6]),
            target_mean: f64::from(words[7]) + f64::from(words[8]),
            target_spread: f64::from(words[9]),
            target_min: words[10],
            target_max: words[11],
        }
    }
}

fn share(part: u64, whole: u64, otherwise: f64) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { otherwise }
}

/// Sums and counts of every image of a batch, read back.
///
/// # Shapes
/// `pred`, `target`, `mask` (0 = valid): `[n, c, h, w]`; `n` values.
///
/// # Errors
/// Shapes that differ or are empty; out of memory.
pub fn masked_metrics(pred: &Tensor, target: &Tensor, mask: &Tensor, threshold: f64) -> Result<Vec<SceneSums>> {
    let op = "masked_metrics";
    let [images, c, h, w] = pred.nchw(op)?;
    if target.shape() != pred.shape() || mask.shape() != pred.shape() {
        let message = format!("pred {}, target {} and mask {} must have one shape", pred.shape(), target.shape(), mask.shape());
        return Err(Error::shape(op, message));
    }
    let scalar = !(c * h * w).is_multiple_of(4);
    let packs = if scalar { c * h * w } else { c * h * w / 4 };
    let parts = packs.div_ceil(PACKS_A_PART);
    let tallies = Tensor::empty(pred.gpu(), [images, parts, WORDS])?;
    let params = MaskedMetricsParams { packs: packs as u32, parts: parts as u32, images: images as u32, threshold: threshold as f32 };
    pred.gpu().launch(&Launch {
        plan: Plan::new("masked_metrics", images * parts).scalar(scalar),
        params: &params,
        buffers: &[pred.buffer(), target.buffer(), mask.buffer(), tallies.buffer()],
        cost: Cost::new(15.0 * pred.len() as f64, 3 * pred.len()),
    })?;
    let merged = |image: &[f32]| {
        image.chunks_exact(WORDS).map(SceneSums::from_words).fold(SceneSums::default(), |mut all, one| {
            all.merge(&one);
            all
        })
    };
    Ok(tallies.to_vec()?.chunks_exact(parts * WORDS).map(merged).collect())
}
