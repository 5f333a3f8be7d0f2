//! Scores of one scene: its target goes to the device once, each map to the task that knows its scores; the reliability is counted here.

use std::path::Path;

use super::certainty::Certainty;
use crate::calibrate::Reliability;
use crate::data::dataset::HostSample;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::tasks::{Better, Scored, Targets, Task};
use crate::tensor::Tensor;

/// What is known of one scene of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct SceneScores {
    /// The task's scores; NaN, but for counts, of a scene without a valid pixel.
    pub scored: Scored,
    /// Valid pixels whose prediction was NaN and counted as 0.
    pub nan_px: u64,
}

/// Scores scenes.
pub struct SceneScorer<'a> {
    gpu: Gpu,
    task: &'a dyn Task,
}

impl<'a> SceneScorer<'a> {
    /// On a device.
    pub fn new(gpu: &Gpu, task: &'a dyn Task) -> Self {
        SceneScorer { gpu: gpu.clone(), task }
    }

    /// Puts a scene's target on the device, to score any number of maps against.
    ///
    /// # Shapes
    /// `sample.target` and `sample.ocean`: `size`, rows × columns.
    ///
    /// # Errors
    /// [`Error::Shape`] where the sample has another size; out of memory.
    pub fn scene(&self, sample: &HostSample, [rows, cols]: [usize; 2]) -> Result<ScoredScene<'a>> {
        let (host_target, host_mask) = self.task.masked(&sample.target, &sample.ocean);
        let targets = Targets::new(&self.gpu, [1, 1, rows, cols], &host_target, &host_mask)?;
        Ok(ScoredScene { task: self.task, targets, host_target, host_mask })
    }
}

/// A scene's target and mask on the device.
pub struct ScoredScene<'a> {
    task: &'a dyn Task,
    targets: Targets,
    host_target: Vec<f32>,
    host_mask: Vec<f32>,
}

impl ScoredScene<'_> {
    /// Scores one map, and adds its pixels to the model's reliability; NaN counts as 0. `path` is where the map comes from, for messages.
    ///
    /// # Shapes
    /// `map`: the task's bands × rows × cols.
    ///
    /// # Errors
    /// [`Error::Input`] for infinite values; [`Error::Shape`] for a map of another size; out of memory.
    pub fn score(&self, mut map: Vec<f32>, path: &Path, reliability: &mut Reliability) -> Result<SceneScores> {
        let mut nan_px = 0;
        for (value, mask) in map.iter_mut().zip(self.host_mask.iter().cycle()) {
            if value.is_nan() {
                *value = 0.0;
                nan_px += u64::from(*mask == 0.0);
            } else if value.is_infinite() {
                return Err(Error::input(path, "holds infinite values, which have no score; make this map again"));
            }
        }
        let mut shape = self.targets.values.nchw("evaluate")?;
        shape[1] = self.task.bands().len();
        let pred = Tensor::from_slice(self.targets.values.gpu(), shape, &map)?;
        let mut scored = self.task.score(&pred, &self.targets)?;
        if scored.valid == 0 {
            // Sums of nothing look like perfect scores.
            let scores = scored.values.iter_mut().zip(self.task.columns()).filter(|(_, column)| column.better != Better::Neither);
            scores.for_each(|(value, _)| *value = f64::NAN);
        }
        if self.task.is_fraction() {
            reliability.add(&map, &self.host_target, &self.host_mask);
        }
        Ok(SceneScores { scored, nan_px })
    }

    /// Adds what a map says of how sure it is, of the file `path`, with the task's bands in `map` as they are in it.
    ///
    /// # Errors
    /// Those of the file beside the map.
    pub(super) fn add_certainty(&self, map: &[f32], path: &Path, certainty: &mut Certainty) -> Result<()> {
        let first = &map[..map.len().min(self.host_target.len())];
        certainty.add(self.task, path, first, &self.host_target, &self.host_mask)
    }
}
