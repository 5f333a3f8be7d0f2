//! One scene of the val split that a run looks at after every epoch: scores that random crops do not stir, and pictures.
//!
//! The scene is a crop of the training size. Of a few days spread over the split and the places of a grid, it is the one whose target says
//! most: the largest Σ (target − mean)² over valid pixels, the first of equals. So it is the same for every run on the same data.

use std::sync::Arc;

use super::tensorboard::Value;
use crate::autograd::Tape;
use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::Dataset;
use crate::data::day::Day;
use crate::data::loader::Batch;
use crate::data::tiles::{Crop, Mosaic};
use crate::error::{Error, Result};
use crate::evaluate::scores::MELT_THRESHOLD;
use crate::gpu::Gpu;
use crate::image::{Canvas, Colormap, Field, quicklook};
use crate::kernels::masked_metrics::{Scores, masked_metrics};
use crate::models::Model;
use crate::nn::Mode;
use crate::preprocess::{Preprocessor, masked};
use crate::tensor::Tensor;

/// Days that are looked through for the scene.
const DAYS: usize = 8;

/// The scene with what scoring it takes.
pub(super) struct Scene {
    day: Day,
    batch: Batch,
    preprocessor: Preprocessor,
    clip: [f32; 2],
}

/// A look at the scene.
pub(super) struct Look {
    pub(super) scores: Scores,
    map: Vec<f32>,
}

impl Scene {
    /// Finds the scene of a val split; none where no pixel of the days looked through is valid.
    ///
    /// # Errors
    /// Those of reading and of [`Preprocessor::new`].
    pub(super) fn find(gpu: &Gpu, config: &Config, val: &Arc<Dataset>, crop: [usize; 2]) -> Result<Option<Scene>> {
        let Some(crop) = most_telling(val, crop)? else { return Ok(None) };
        Ok(Some(Scene {
            day: val.days()[crop.day].clone(),
            batch: Batch::read(val, &[crop])?,
            preprocessor: Preprocessor::new(gpu, config, val.inputs())?,
            clip: [config.min_melt as f32, config.max_melt as f32],
        }))
    }

    /// Which scene it is.
    pub(super) fn name(&self) -> String {
        let Window { row, col, height, width } = self.batch.crops[0].window;
        format!("{}, rows {row} to {}, columns {col} to {}", self.day, row + height - 1, col + width - 1)
    }

    /// Maps the scene and scores the map.
    ///
    /// # Errors
    /// [`Error::Shape`] where the network's output is no map; out of memory.
    pub(super) fn look(&self, model: &dyn Model) -> Result<Look> {
        let output = model.forward(&Tape::off(), &self.preprocessor.input(&self.batch)?, Mode::Eval)?;
        let (target, mask) = self.preprocessor.target(&self.batch)?;
        if output.shape() != target.shape() {
            return Err(Error::shape("train", format!("the network gives {} where a map {} is expected", output.shape(), target.shape())));
        }
        let mut map = output.to_vec()?;
        map.iter_mut().for_each(|value| *value = value.clamp(self.clip[0], self.clip[1]));
        let map_tensor = Tensor::from_slice(output.gpu(), output.shape(), &map)?;
        let sums = masked_metrics(&map_tensor, &target, &mask, MELT_THRESHOLD)?;
        let scores = sums.first().ok_or_else(|| Error::shape("train", "the scene gave no score"))?.scores();
        Ok(Look { scores, map })
    }

    /// The map, the target and their difference as pictures.
    ///
    /// # Errors
    /// None for a look at this scene.
    pub(super) fn pictures(&self, look: &Look) -> Result<Vec<(&'static str, Value)>> {
        let (target, mask) = masked(&self.batch.target, &self.batch.ocean);
        let unseen: Vec<bool> = mask.iter().map(|mask| *mask > 0.5).collect();
        let ocean: Vec<bool> = self.batch.ocean.iter().map(|ocean| *ocean > 0.5).collect();
        let error: Vec<f32> = look.map.iter().zip(&target).map(|(map, target)| map - target).collect();
        let melt = |title: &str, values, masked| Field {
            title: title.into(),
            values,
            rows: self.batch.height,
            cols: self.batch.width,
            masked: Some(masked),
            range: (0.0, 1.0),
            colormap: Colormap::Viridis,
            unit: "melt fraction".into(),
            coast: None,
        };
        let error = Field { range: (-1.0, 1.0), colormap: Colormap::Diverging, ..melt("Prediction − target", &error, &unseen) };
        let picture = |field: &Field, grey: &str| -> Result<Value> {
            let canvas: Canvas = quicklook(&self.day.to_string(), field, grey)?;
            Ok(Value::Image { rows: canvas.rows(), cols: canvas.cols(), png: canvas.to_png()? })
        };
        Ok(vec![
            ("scene/prediction", picture(&melt("Prediction", &look.map, &ocean), "ocean")?),
            ("scene/target", picture(&melt("Target", &target, &unseen), "ocean or not observed")?),
            ("scene/error", picture(&error, "ocean or not observed")?),
        ])
    }
}

/// The crop whose target varies most.
fn most_telling(val: &Arc<Dataset>, crop: [usize; 2]) -> Result<Option<Crop>> {
    let scene = val.scene();
    let windows: Vec<Window> = Mosaic::new(scene, crop, crop[0].min(crop[1]), 0)?.tiles.iter().map(|tile| tile.window).collect();
    let ocean = val.ocean()?;
    let mut best: Option<(f64, Crop)> = None;
    let days = val.days().len();
    for day in (0..days).step_by(days.div_ceil(DAYS).max(1)) {
        let target = val.target_raster(day)?.read_all()?;
        for &window in &windows {
            let spread = spread(&target, &ocean, scene[1], window);
            if spread.is_some_and(|spread| best.as_ref().is_none_or(|(most, _)| spread > *most)) {
                best = spread.map(|spread| (spread, Crop { day, window }));
            }
        }
        val.release(day);
    }
    Ok(best.map(|(_, crop)| crop))
}

/// Σ (target − mean)² over the valid pixels of a window; none without such a pixel.
fn spread(target: &[f32], ocean: &[f32], cols: usize, window: Window) -> Option<f64> {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for row in window.row..window.row + window.height {
        let range = row * cols + window.col..row * cols + window.col + window.width;
        for (target, _) in target[range.clone()].iter().zip(&ocean[range]).filter(|(target, ocean)| !target.is_nan() && **ocean == 0.0) {
            let target = f64::from(*target);
            (count, sum, squares) = (count + 1.0, sum + target, squares + target * target);
        }
    }
    (count > 0.0).then(|| squares - sum * sum / count)
}
