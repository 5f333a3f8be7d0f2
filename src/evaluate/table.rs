//! Scores of scenes, summed up over a split: means weighted by valid pixels, and pooled quotients.

use super::certainty::Certainty;
use super::fronts::SceneFronts;
use super::glaciers::Compared;
use super::groups::{GroupBy, Groups};
use super::scores::SceneScores;
use crate::calibrate::{BINS, Reliability};
use crate::config::Config;
use crate::data::day::Split;
use crate::domains::Unit;
use crate::error::{Error, Result};
use crate::tasks::{self, Column, Mean, Tally, Task};

/// One model's scenes.
#[derive(Debug, Clone)]
pub struct ModelScores {
    /// The model's name.
    pub name: String,
    /// What the scores of a scene are.
    pub columns: &'static [Column],
    /// File name and scores of each scene, in the order of the split.
    pub scenes: Vec<(String, SceneScores)>,
    /// Predicted fractions against seen ones.
    pub reliability: Reliability,
    /// How sure maps are against how often they are right.
    pub certainty: Certainty,
    /// File name of each scene and, of each class but the first, its map beside the truth; nothing of tasks without classes.
    pub glaciers: Vec<(String, Vec<Compared>)>,
    /// File name of each scene and its front beside the true one; nothing of tasks without fronts.
    pub fronts: Vec<(String, SceneFronts)>,
}

impl ModelScores {
    /// A model without scenes yet.
    pub fn new(name: &str, columns: &'static [Column]) -> Self {
        let (reliability, certainty) = (Reliability::default(), Certainty::default());
        ModelScores { name: name.to_owned(), columns, scenes: Vec::new(), reliability, certainty, glaciers: Vec::new(), fronts: Vec::new() }
    }

    /// Adds a scene.
    pub fn push(&mut self, file: String, scores: SceneScores) {
        self.scenes.push((file, scores));
    }

    /// The scenes that have scores, which takes a valid pixel.
    pub fn scored(&self) -> impl Iterator<Item = &(String, SceneScores)> {
        self.scenes.iter().filter(|(_, scene)| scene.scored.valid > 0)
    }

    /// Number of maps with NaN predictions and of such pixels, if there are any.
    pub fn nan_predictions(&self) -> Option<(usize, u64)> {
        let counts = || self.scenes.iter().map(|(_, scene)| scene.nan_px).filter(|count| *count > 0);
        (counts().count() > 0).then(|| (counts().count(), counts().sum()))
    }

    /// Σ w·x / Σ w with the valid pixels of each scene as weights, in the order of the columns; see [`Mean`].
    pub fn weighted_mean(&self) -> Vec<f64> {
        let weighted = self.weighted(|_, x| x);
        let mean = |(index, column): (usize, &Column)| match column.mean {
            Mean::Weighted => weighted[index],
            Mean::RootOf(other) => self.place(other).map_or(weighted[index], |other| weighted[other].sqrt()),
        };
        self.columns.iter().enumerate().map(mean).collect()
    }

    /// Where a score stands among the columns.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// √(Σ w·(x − mean)² / Σ w) with the same weights, around each score's own weighted mean.
    pub fn weighted_std(&self) -> Vec<f64> {
        let mean = self.weighted(|_, x| x);
        self.weighted(|score, x| (x - mean[score]).powi(2)).into_iter().map(f64::sqrt).collect()
    }

    /// The sums of all scenes.
    pub fn tally(&self) -> Tally {
        let mut all = Tally::default();
        self.scenes.iter().for_each(|(_, scene)| all.add(&scene.scored.tally));
        all
    }

    /// Bins with a name for tables: of fractions, or of how sure maps are, as the network says it and calibrated.
    pub fn reliabilities(&self) -> Vec<(String, Reliability)> {
        let name = &self.name;
        let Certainty { said, calibrated, .. } = &self.certainty;
        let of = |pixels: &Option<Reliability>, name: String| pixels.as_ref().map(|pixels| (name, pixels.coarser(BINS)));
        let sure: Vec<_> = [of(said, name.clone()), of(calibrated, format!("{name} calibrated"))].into_iter().flatten().collect();
        if sure.is_empty() { vec![(name.clone(), self.reliability.clone())] } else { sure }
    }

    /// The model on some scenes of the split, given by their positions; reliability, certainty, glaciers and fronts stay behind.
    pub fn on(&self, scenes: &[usize]) -> ModelScores {
        let scenes = scenes.iter().filter_map(|index| self.scenes.get(*index).cloned()).collect();
        ModelScores { scenes, ..ModelScores::new(&self.name, self.columns) }
    }

    /// Valid pixels of all scenes.
    pub fn weight(&self) -> f64 {
        self.scenes.iter().map(|(_, scene)| scene.scored.valid as f64).sum()
    }

    fn weighted(&self, term: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.columns.len()];
        for (_, scene) in self.scored() {
            for (score, (sum, x)) in sums.iter_mut().zip(&scene.scored.values).enumerate() {
                *sum += scene.scored.valid as f64 * term(score, *x);
            }
        }
        sums.into_iter().map(|sum| sum / self.weight()).collect()
    }
}

/// The scores of all models on one split; every model has at least one valid pixel.
pub struct Evaluation {
    /// What the scores are of.
    pub task: Box<dyn Task>,
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
    pub fn new(config: &Config, split: Split, models: Vec<ModelScores>, groups: Groups) -> Result<Evaluation> {
        if models.iter().any(|model| model.weight() == 0.0) {
            return Err(nothing_valid(config, split, "average"));
        }
        Ok(Evaluation { task: tasks::of(config), split, models, groups })
    }

    /// A model's scores over all pixels of the split at once, by name.
    pub fn pooled(&self, model: &ModelScores) -> Vec<(&'static str, f64)> {
        self.task.pooled(&model.tally())
    }

    /// Each group's label and a model's scores on its scenes; groups without a valid pixel have none and are left out.
    pub fn grouped(&self, model: &ModelScores, by: GroupBy) -> Vec<(String, ModelScores)> {
        let groups = self.groups.of(by).map(|(label, scenes)| (label.to_owned(), model.on(scenes)));
        groups.filter(|(_, group)| group.weight() > 0.0).collect()
    }
}

/// The error of a split whose scenes have nothing to score.
pub fn nothing_valid(config: &Config, split: Split, purpose: &str) -> Error {
    let (target, mask) = (config.domain().target.name, config.domain().mask);
    if config.domain().unit == Unit::Scene {
        return Error::Usage(format!(
            "no scene of the split {split} has a pixel with a class (not no-data, not ignore_index, not under a mask of path_ignore), so there \
             is nothing to {purpose}; check path_{target} and the split file"
        ));
    }
    Error::Usage(format!(
        "no scene of the split {split} has a valid pixel (seen by the radar and no ocean), so there is nothing to {purpose}; check \
         path_{target}, path_{mask} and the split file"
    ))
}
