//! Scores of scenes, summed up over a split: means weighted by valid pixels, and pooled quotients.

use serde::Serialize;

use super::groups::{GroupBy, Groups};
use super::reliability::Reliability;
use super::scores::SceneScores;
use crate::data::day::Split;
use crate::error::{Error, Result};
use crate::kernels::masked_metrics::SceneSums;

/// Names of the scores, in the order of every table and of [`values`].
pub const SCORE_NAMES: [&str; 10] = ["mae", "mse", "rmse", "r2", "accuracy", "precision", "recall", "f1", "ssim", "valid_px"];
const MSE: usize = 1;
const RMSE: usize = 2;

/// The scores of a scene in the order of [`SCORE_NAMES`].
pub fn values(scene: &SceneScores) -> [f64; 10] {
    let s = scene.sums.scores();
    [s.mae, s.mse, s.rmse, s.r2, s.accuracy, s.precision, s.recall, s.f1, scene.ssim, s.valid_px as f64]
}

/// One model's scenes.
#[derive(Debug, Clone)]
pub struct ModelScores {
    /// The model's name.
    pub name: String,
    /// File name and scores of each scene, in the order of the split.
    pub scenes: Vec<(String, SceneScores)>,
    /// Predicted fractions against seen ones.
    pub reliability: Reliability,
}

impl ModelScores {
    /// A model without scenes yet.
    pub fn new(name: &str) -> Self {
        ModelScores { name: name.to_owned(), scenes: Vec::new(), reliability: Reliability::default() }
    }

    /// Adds a scene.
    pub fn push(&mut self, file: String, scores: SceneScores) {
        self.scenes.push((file, scores));
    }

    /// Number of maps with NaN predictions and of such pixels, if there are any.
    pub fn nan_predictions(&self) -> Option<(usize, u64)> {
        let counts = || self.scenes.iter().map(|(_, scene)| scene.nan_px).filter(|count| *count > 0);
        (counts().count() > 0).then(|| (counts().count(), counts().sum()))
    }

    /// Σ w·x / Σ w with the valid pixels of each scene as weights; the mean RMSE is the root of the weighted MSE.
    pub fn weighted_mean(&self) -> [f64; 10] {
        let mut mean = self.weighted(|_, x| x);
        mean[RMSE] = mean[MSE].sqrt();
        mean
    }

    /// √(Σ w·(x − mean)² / Σ w) with the same weights, around each score's own weighted mean.
    pub fn weighted_std(&self) -> [f64; 10] {
        let mean = self.weighted(|_, x| x);
        self.weighted(|score, x| (x - mean[score]).powi(2)).map(f64::sqrt)
    }

    /// Precision, recall and F1 over all valid pixels of the split at once.
    pub fn pooled(&self) -> Pooled {
        let mut all = SceneSums::default();
        self.scenes.iter().for_each(|(_, scene)| all.merge(&scene.sums));
        Pooled { precision: all.precision(), recall: all.recall(), f1: all.f1() }
    }

    /// The model on some scenes of the split, given by their positions; the reliability stays behind.
    pub fn on(&self, scenes: &[usize]) -> ModelScores {
        let scenes = scenes.iter().filter_map(|index| self.scenes.get(*index).cloned()).collect();
        ModelScores { scenes, ..ModelScores::new(&self.name) }
    }

    /// Valid pixels of all scenes.
    pub fn weight(&self) -> f64 {
        self.scenes.iter().map(|(_, scene)| scene.sums.valid as f64).sum()
    }

    fn weighted(&self, term: impl Fn(usize, f64) -> f64) -> [f64; 10] {
        let mut sums = [0.0; 10];
        for (_, scene) in &self.scenes {
            for (score, (sum, x)) in sums.iter_mut().zip(values(scene)).enumerate() {
                *sum += scene.sums.valid as f64 * term(score, x);
            }
        }
        sums.map(|sum| sum / self.weight())
    }
}

/// Quotients over all valid pixels of a split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pooled {
    /// Share of predicted melt that is melt.
    pub precision: f64,
    /// Share of melt that is predicted.
    pub recall: f64,
    /// 2PR / (P + R).
    pub f1: f64,
}

/// The scores of all models on one split; every model has at least one valid pixel.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The split.
    pub split: Split,
    /// The models in the order given.
    pub models: Vec<ModelScores>,
    /// Which scenes belong together.
    pub groups: Groups,
}

impl Evaluation {
    /// Puts scored models together.
    ///
    /// # Errors
    /// [`Error::Usage`] where no scene has a valid pixel, so that no mean exists.
    pub fn new(split: Split, models: Vec<ModelScores>, groups: Groups) -> Result<Evaluation> {
        if models.iter().any(|model| model.weight() == 0.0) {
            return Err(Error::Usage(format!(
                "no scene of the split {split} has a valid pixel (seen by the radar and no ocean), so there is nothing to average; \
                 check path_melt, path_landmask and the split file"
            )));
        }
        Ok(Evaluation { split, models, groups })
    }

    /// Each group's label and a model's scores on its scenes; groups without a valid pixel have none and are left out.
    pub fn grouped(&self, model: &ModelScores, by: GroupBy) -> Vec<(String, ModelScores)> {
        let groups = self.groups.of(by).map(|(label, scenes)| (label.to_owned(), model.on(scenes)));
        groups.filter(|(_, group)| group.weight() > 0.0).collect()
    }
}
