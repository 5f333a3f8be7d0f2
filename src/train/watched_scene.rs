//! One scene of the val split that a run looks at after every epoch: scores that random crops do not stir, and pictures.
//!
//! The scene is a crop of the training size. Of a few days spread over the split and the places of a grid, it is the one whose target says
//! most: the largest Σ (target − mean)² over valid pixels, the first of equals. So it is the same for every run on the same data.

use std::sync::Arc;

use super::crops::framed;
use super::tensorboard::Value;
use crate::autograd::Tape;
use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::{Dataset, HostSample};
use crate::data::day::Day;
use crate::data::framed::Framed;
use crate::data::loader::Batch;
use crate::data::location::{Centre, Locations};
use crate::data::tiles::{Crop, Mosaic};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::image::{Canvas, Field, quicklook};
use crate::models::{self, Model};
use crate::nn::Mode;
use crate::preprocess::Preprocessor;
use crate::tasks::{self, Targets, Task};
use crate::tensor::Tensor;

/// Days that are looked through for the scene.
const DAYS: usize = 8;

/// The scene with what scoring it takes.
pub(super) struct WatchedScene {
    day: Day,
    batch: Batch,
    preprocessor: Preprocessor,
    task: Box<dyn Task>,
}

/// A look at the scene.
pub(super) struct Look {
    /// The task's watched scores, by name.
    pub(super) scores: Vec<(&'static str, f64)>,
    map: Vec<f32>,
}

impl WatchedScene {
    /// Finds the scene of a val split; none where no pixel of the days looked through is valid.
    ///
    /// # Errors
    /// Those of reading and of [`Preprocessor::new`].
    pub(super) fn find(gpu: &Gpu, config: &Config, val: &Arc<Dataset>, crop: [usize; 2]) -> Result<Option<WatchedScene>> {
        let val = framed(config, val.clone(), crop)?;
        let Some(crop) = most_telling(&val, crop)? else { return Ok(None) };
        let (channels, dataset) = (val.dataset().inputs().len(), val.dataset());
        let mut batch = Batch::of(channels, &[crop], |crop, sample| val.read(crop, sample))?;
        Locations::of(config, &val, Centre::Crop)?.write(&mut batch)?;
        Ok(Some(WatchedScene {
            day: dataset.days()[crop.day],
            batch,
            preprocessor: Preprocessor::new(gpu, config, dataset.inputs(), &models::inputs(config)?)?,
            task: tasks::of(config),
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
        let output = model.forward(&Tape::off(), &self.preprocessor.inputs(&self.batch)?, Mode::Eval)?.map;
        let Batch { height, width, .. } = self.batch;
        let targets = Targets::of(self.task.as_ref(), output.gpu(), &self.batch)?;
        let wanted = [1, self.task.heads(), height, width];
        if output.shape().dims() != wanted {
            return Err(Error::shape("train", format!("the network gives {} where a map {wanted:?} is expected", output.shape())));
        }
        let mut values = output.to_vec()?;
        self.task.settle(&mut values, height * width);
        let mut map = self.task.finish(values, height * width);
        map.truncate(self.task.bands().len() * height * width);
        let map_tensor = Tensor::from_slice(output.gpu(), [1, self.task.bands().len(), height, width], &map)?;
        let scores = self.task.watch(&map_tensor, &targets)?;
        Ok(Look { scores: self.task.watched().iter().copied().zip(scores).collect(), map })
    }

    /// The map, the target and their difference as pictures.
    ///
    /// # Errors
    /// None for a look at this scene.
    pub(super) fn pictures(&self, look: &Look) -> Result<Vec<(&'static str, Value)>> {
        let (_, mask) = self.task.masked(&self.batch.target, &self.batch.ocean);
        let target = self.task.pictured(&self.batch.target);
        let unseen: Vec<bool> = mask.iter().map(|mask| *mask > 0.5).collect();
        let ocean: Vec<bool> = self.batch.ocean.iter().map(|ocean| *ocean > 0.5).collect();
        let (band, size) = (self.task.bands()[0], [self.batch.height, self.batch.width]);
        let error = band.errors(&look.map[..size[0] * size[1]], &target);
        let error = band.error_field(&band.error_title("Prediction", "target"), &error, size, &unseen);
        let (pixels, grey) = (size[0] * size[1], self.task.words().of.grey);
        let picture = |field: &Field, grey: &str| -> Result<Value> {
            let canvas: Canvas = quicklook(&self.day.to_string(), field, grey)?;
            Ok(Value::Image { rows: canvas.rows(), cols: canvas.cols(), png: canvas.to_png()? })
        };
        Ok(vec![
            ("scene/prediction", picture(&band.field("Prediction", &look.map[..pixels], size, &ocean), grey[0])?),
            ("scene/target", picture(&band.field("Target", &target, size, &unseen), grey[1])?),
            ("scene/error", picture(&error, grey[1])?),
        ])
    }
}

/// The crop whose target varies most.
fn most_telling(val: &Framed, crop: [usize; 2]) -> Result<Option<Crop>> {
    let mut best: Option<(f64, Crop)> = None;
    let days = val.dataset().days().len();
    for day in (0..days).step_by(days.div_ceil(DAYS).max(1)) {
        let frame = val.frame(day).size;
        let mut sample = HostSample::default();
        val.read_target(&Crop { day, window: Window::whole(frame[0], frame[1]), number: day }, &mut sample)?;
        for window in Mosaic::new(frame, crop, crop[0].min(crop[1]), 0)?.tiles.iter().map(|tile| tile.window) {
            let spread = spread(&sample.target, &sample.ocean, frame[1], window);
            if spread.is_some_and(|spread| best.as_ref().is_none_or(|(most, _)| spread > *most)) {
                best = spread.map(|spread| (spread, Crop { day, window, number: day }));
            }
        }
        val.dataset().release(day);
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
