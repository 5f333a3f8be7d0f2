//! Maps of all scenes of the val split, looked at between epochs: what chooses weights for calving fronts, where a loss over crops says
//! little (Gourmelon et al. 2025, arXiv 2507.01747).
//!
//! Maps are made of tiles' middles side by side. Into the log go, as `val_<name>`, means over scenes of the task's watched scores
//! (`maps_<score>`); of tiles whose target has a class, the mean of the sum of the classes' intersections over unions by the number of
//! classes that the target has (`iou_img`); and, where drawn fronts are there, the mean distance between fronts in metres (`mde`) and the
//! scenes without one (`missing`).

use std::sync::Arc;

use super::session::Watcher;
use super::state::NO_FRONT;
use crate::config::{BestBy, Config, FRONTS};
use crate::data::Window;
use crate::data::dataset::{Dataset, HostSample};
use crate::error::Result;
use crate::evaluate::fronts::{TrueFront, refuse_missing_fronts};
use crate::event::Event;
use crate::fronts::drawing::Labels;
use crate::fronts::scores::FrontScores;
use crate::gpu::Gpu;
use crate::models::Model;
use crate::predict::{Blend, Options, Predictor, Tiling};
use crate::tasks::{self, Targets};
use crate::tensor::Tensor;

/// What no class is in maps of bytes.
const NO_CLASS: u8 = u8::MAX;
/// What the published program says of them.
const NO_FRONT_PUBLISHED: f64 = 7777.0;

/// The scenes, and how they are mapped.
pub(super) struct ValidationMaps {
    /// With tiles' middles side by side.
    config: Config,
    tiling: Tiling,
    dataset: Arc<Dataset>,
    /// Which classes drawn fronts divide; none without `path_fronts`.
    fronts: Option<Labels>,
}

/// What the maps are worth.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MapScores {
    /// By name, for the log.
    pub(super) named: Vec<(String, Option<f64>)>,
    /// Mean over scenes of the first watched score.
    iou: f64,
    /// Metres between fronts, where fronts are drawn.
    mde: Option<f64>,
}

impl MapScores {
    /// What is to be small, by the key; none where it is the loss.
    pub(super) fn judged(&self, by: BestBy) -> Option<f64> {
        match by {
            BestBy::Loss => None,
            BestBy::Iou => Some(1.0 - self.iou),
            BestBy::Mde => self.mde,
        }
    }
}

impl ValidationMaps {
    /// The scenes of the val split, where maps of them are asked for.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) for scenes without a drawn front, or a bounding box that cannot be read; those of the
    /// tiles.
    pub(super) fn open(config: &Config, val: Option<&Arc<Dataset>>) -> Result<Option<ValidationMaps>> {
        let Some(dataset) = val.filter(|_| config.epochs_between_validation_maps > 0).cloned() else { return Ok(None) };
        let (middles, _) = Tiling::of(config, Blend::CentreGaussian, config.img_size)?;
        // As many tiles at once as training has room for.
        let prediction_batch_size = config.batch_size.max(config.prediction_batch_size);
        let config = Config { prediction_stride: Some(middles.middle()), prediction_batch_size, ..config.clone() };
        let (tiling, _) = Tiling::of(&config, Blend::CentreGaussian, config.img_size)?;
        tiling.check(&dataset)?;
        let fronts = tasks::of(&config).fronts().filter(|_| config.variable_paths.contains_key(FRONTS));
        if fronts.is_some() {
            refuse_missing_fronts(&config, &dataset)?;
        }
        Ok(Some(ValidationMaps { config, tiling, dataset, fronts }))
    }

    /// Maps all scenes and scores the maps.
    ///
    /// # Errors
    /// Those of [`Predictor`] and of scoring; [`Error::Interrupted`](crate::error::Error::Interrupted).
    pub(super) fn look(&self, gpu: &Gpu, model: &dyn Model, watcher: &mut Watcher) -> Result<MapScores> {
        let task = tasks::of(&self.config);
        let options = Options { blend: Blend::CentreGaussian, ..Options::of(&self.config) };
        let Watcher { stop, observe } = watcher;
        // The progress on the screen is that of the whole run.
        let mut notes = |event: Event| {
            if matches!(event, Event::Note(_)) {
                observe(event);
            }
        };
        let mut predictor = Predictor::new(gpu, &self.config, model, self.dataset.clone(), options, &mut notes)?;
        predictor.stop_where(*stop);
        let (mut sums, mut of_tiles, mut compared) = (vec![0.0; task.watched().len()], Vec::new(), Vec::new());
        let days: Vec<usize> = (0..self.dataset.days().len()).collect();
        predictor.maps(&days, &mut notes, &mut |day, map| {
            let [rows, cols] = self.dataset.scene(day);
            let mut sample = HostSample::default();
            self.dataset.read_target(day, Window::whole(rows, cols), &mut sample)?;
            let (values, mask) = task.masked(&sample.target, &sample.ocean);
            let targets = Targets::new(gpu, [1, 1, rows, cols], &values, &mask)?;
            let bands = task.bands().len();
            let scored = task.watch(&Tensor::from_slice(gpu, [1, bands, rows, cols], &map[..bands * rows * cols])?, &targets)?;
            sums.iter_mut().zip(scored).for_each(|(sum, score)| *sum += score);
            let number = |(value, mask): (&f32, &f32)| if *mask == 0.0 && value.is_finite() { *value as u8 } else { NO_CLASS };
            let classes: Vec<u8> = map.iter().zip(&mask).map(number).collect();
            let truth: Vec<u8> = values.iter().zip(&mask).map(number).collect();
            of_tiles.extend(self.of_tiles([rows, cols], &classes, &truth));
            if let Some(labels) = self.fronts {
                compared.push(TrueFront::of(&self.config, labels, &self.dataset, day, &sample.target)?.compare(&map)?.compared);
            }
            self.dataset.release(day);
            Ok(())
        })?;
        let scenes = days.len().max(1) as f64;
        sums.iter_mut().for_each(|sum| *sum /= scenes);
        let mut named: Vec<(String, Option<f64>)> =
            task.watched().iter().zip(&sums).map(|(name, score)| (format!("maps_{name}"), Some(*score))).collect();
        let mean = (!of_tiles.is_empty()).then(|| of_tiles.iter().sum::<f64>() / of_tiles.len() as f64);
        named.push(("iou_img".into(), mean));
        let mut mde = None;
        if self.fronts.is_some() {
            let scores = FrontScores::of(compared.iter());
            let without = self.config.reference_windows.then_some(NO_FRONT_PUBLISHED);
            named.push(("mde".into(), scores.mde.or(without)));
            named.push(("missing".into(), Some(scores.missing as f64)));
            // Without any front the better zones are the better ones.
            mde = Some(scores.mde.or(without).unwrap_or(NO_FRONT + 1.0 - sums.first().copied().unwrap_or_default()));
        }
        Ok(MapScores { named, iou: sums.first().copied().unwrap_or_default(), mde })
    }

    /// Of each tile's middle that has a class in the target: Σ intersection / union of the classes, by the number that the target has.
    fn of_tiles(&self, [rows, cols]: [usize; 2], classes: &[u8], truth: &[u8]) -> Vec<f64> {
        let (frame, Ok(mosaic)) = (self.tiling.frame([rows, cols]), self.tiling.mosaic([rows, cols])) else { return Vec::new() };
        let part = |start: usize, len: usize, axis: usize| {
            let on_scene = |at: usize| at.saturating_sub(frame.before[axis]).min(frame.scene[axis]);
            on_scene(start)..on_scene(start + len)
        };
        let of_tile = |keep: Window| {
            let mut counts = vec![[0u64; 3]; self.config.classes.len()];
            for row in part(keep.row, keep.height, 0) {
                for at in part(keep.col, keep.width, 1).map(|col| row * cols + col) {
                    let (class, target) = (usize::from(classes[at]), usize::from(truth[at]));
                    if let Some([both, _, _]) = counts.get_mut(class).filter(|_| class == target) {
                        *both += 1;
                    }
                    counts.get_mut(class).into_iter().for_each(|[_, of_map, _]| *of_map += 1);
                    counts.get_mut(target).into_iter().for_each(|[_, _, of_target]| *of_target += 1);
                }
            }
            let present = counts.iter().filter(|[_, _, of_target]| *of_target > 0).count();
            let iou = |[both, of_map, of_target]: &[u64; 3]| *both as f64 / (of_map + of_target - both).max(1) as f64;
            (present > 0).then(|| counts.iter().map(iou).sum::<f64>() / present as f64)
        };
        mosaic.tiles.iter().filter_map(|tile| of_tile(tile.keep)).collect()
    }
}
