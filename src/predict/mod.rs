//! Maps of whole scenes: tiles through a network, settled by the task, and averaged where they overlap.
//!
//! map(p) = Σ_t w_t(p) settled(f(x_t))(p) / Σ_t w_t(p), over the tiles whose kept part covers p ([`Mosaic`]), with w = 1 unless [`Options`]
//! say otherwise; deploy maps are 0 on ocean where `apply_landmask_to_predictions` says so, all maps NaN there where `mask_outputs` does.
//! Which tiles share a batch has no effect on the result beyond rounding.

mod certainty;
mod class_maps;
mod ensemble;
mod located;
mod location_search;
pub mod manifest;
pub mod map_files;
mod masking;
mod middles;
mod mosaicking;
mod options;
pub mod origin;
mod outlines;
mod range;
mod scene;
mod scene_files;
mod shard;
mod tiling;
mod trained;
mod views;
mod write;
mod zone_pictures;

use std::collections::VecDeque;
use std::sync::Arc;

pub use certainty::{Calibrating, fit_calibration};
pub use location_search::{FoundLocation, LocationSearch, location_file};
pub use map_files::{Destination, MapFiles, Place};
use masking::Masking;
use mosaicking::Mosaicking;
pub use options::{Blend, Options};
pub use outlines::OutlineOptions;
pub use scene::Scene;
pub use shard::Shard;
pub use tiling::Tiling;
pub use trained::Trained;
use views::{Views, moments_of};
pub use write::{Request, write_maps};

use crate::autograd::Tape;
use crate::calibrate::Curve;
use crate::config::{BorderKey, Config};
use crate::data::dataset::Dataset;
use crate::data::framed::Framed;
use crate::data::loader::{Batch, Loader, LoaderOptions};
use crate::data::location::Locations;
use crate::data::symmetry::Symmetry;
use crate::data::tiles::{Crop, Mosaic};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::Gpu;
use crate::models::{self, Model};
use crate::nn::Mode;
use crate::preprocess::{Preprocessor, zeros};
use crate::tasks::{self, Task};
use crate::tensor::Tensor;

/// Makes maps of a dataset's days with a model.
pub struct Predictor<'a> {
    model: &'a dyn Model,
    /// Further networks over which maps are averaged.
    others: VecDeque<&'a dyn Model>,
    framed: Arc<Framed>,
    /// Of each input the raw value that a network sees as 0.
    zeros: Vec<f32>,
    mirrors: bool,
    /// Quarters by which scenes are turned.
    quarters: usize,
    /// Whether what is averaged over several maps is rounded to half precision.
    halves: bool,
    preprocessor: Preprocessor,
    /// Where the scenes lie.
    locations: Locations,
    tiling: Tiling,
    /// Tiles that go through the network at once; less than configured once the device refused more.
    batch_size: usize,
    task: Box<dyn Task>,
    /// What maps are to be on ocean.
    masking: Option<Masking>,
    options: Options,
    /// The number of a signal that asks to stop.
    stop: &'a dyn Fn() -> Option<i32>,
}

/// Takes a day's averages.
type TakeAverages<'t, 'a> = dyn FnMut(&Predictor<'a>, usize, Vec<f32>) -> Result<()> + 't;

/// The map in the making.
struct Canvas {
    day: usize,
    /// Rows and columns, the frame included.
    size: [usize; 2],
    mosaic: Mosaic,
    sums: Mosaicking,
}

/// Outputs that the device may still be working on, and whose they are. Each is of some tiles, turned by one symmetry or by all.
struct Pending {
    outputs: Vec<Views>,
    crops: Vec<Crop>,
}

impl<'a> Predictor<'a> {
    /// Plans the tiles of a dataset's scenes.
    ///
    /// # Errors
    /// [`Error::Usage`] where the tiles leave pixels uncovered, or are to be turned and are not square; [`Error::Config`] for missing
    /// statistics or a missing land mask.
    pub fn new(
        gpu: &Gpu,
        config: &Config,
        model: &'a dyn Model,
        dataset: Arc<Dataset>,
        options: Options,
        observe: &mut dyn FnMut(Event),
    ) -> Result<Self> {
        let (tiling, warning) = Tiling::of(config, options.blend, dataset.scene(0))?;
        warning.into_iter().for_each(|warning| observe(Event::Note(warning)));
        let tile = tiling.tile;
        if options.d4 && tile[0] != tile[1] {
            let message = format!(
                "averaging over quarter turns needs square tiles, and these have {} × {} pixels; set img_size to a square that fits the scene",
                tile[0], tile[1]
            );
            return Err(Error::Usage(message));
        }
        if options.mc_dropout.is_some() && !model.parameters().drops() {
            let message = format!(
                "--mc-dropout averages maps of which dropout left out parts, and this {} has no dropout; leave the option out (deeplabv3 has \
                 one, and glavitu where `dropout` is set)",
                config.model_key.name()
            );
            return Err(Error::Usage(message));
        }
        models::check_tile(config, tile)?;
        tiling.check(&dataset)?;
        let preprocessor = Preprocessor::new(gpu, config, dataset.inputs(), &models::inputs(config)?)?;
        let masking = Masking::of(config, dataset.split(), observe)?;
        let (zeros, mirrors) = (zeros(config, dataset.inputs())?, config.border == BorderKey::Symmetric);
        let framed = Arc::new(Framed::new(dataset, zeros.clone(), |scene| tiling.frame(scene)).mirroring(mirrors));
        let locations = located::locations(config, &framed, &options)?;
        let mut task = tasks::of(config);
        options.prepare(task.as_mut(), 1);
        Ok(Predictor {
            model,
            others: VecDeque::new(),
            framed,
            zeros,
            mirrors,
            quarters: 0,
            halves: config.reference_windows,
            preprocessor,
            locations,
            tiling,
            batch_size: config.prediction_batch_size,
            task,
            masking,
            options,
            stop: &|| None,
        })
    }

    /// Makes [`Predictor::maps`] end with [`Error::Interrupted`] once `stop` gives a signal; it is asked before every batch of tiles.
    pub fn stop_where(&mut self, stop: &'a dyn Fn() -> Option<i32>) {
        self.stop = stop;
    }

    /// Has maps say by a curve how likely they are right ([`Task::calibrate`]).
    pub fn calibrate(&mut self, curve: &Curve) {
        self.task.calibrate(curve);
    }

    /// The tiles of a day's map.
    fn mosaic(&self, day: usize) -> Result<Mosaic> {
        self.tiling.mosaic(self.framed.frame(day).scene)
    }

    /// Makes the maps of the given days, in their order; each goes to `take` with its day as soon as it is complete.
    ///
    /// # Shapes
    /// A map is the task's bands × rows × cols.
    ///
    /// # Errors
    /// [`Error::NotFinite`] naming the day; those of reading, of the network and of `take`.
    pub fn maps(
        &mut self,
        days: &[usize],
        observe: &mut dyn FnMut(Event),
        take: &mut dyn FnMut(usize, Vec<f32>) -> Result<()>,
    ) -> Result<()> {
        if !self.others.is_empty() || self.options.turns.is_some() {
            return self.mean_maps(days, observe, take);
        }
        let tiles = days.iter().map(|day| self.mosaic(*day).map(|mosaic| mosaic.tiles.len())).sum::<Result<usize>>()?;
        observe(Event::Start { label: "predict", total: tiles, unit: "tiles" });
        self.averages(days, observe, &mut |predictor, day, mut averages| {
            let deviations = predictor.split_off_variances(&mut averages).into_iter().map(f32::sqrt).collect();
            take(day, predictor.finish(day, averages, deviations)?)
        })
    }

    /// Turns scenes by so many quarters with the clock from here on; their averages come turned back.
    fn turn(&mut self, quarters: usize) {
        if self.quarters != quarters {
            let (dataset, zeros) = (self.framed.dataset().clone(), self.zeros.clone());
            let framed = Framed::turned(dataset, zeros, quarters, |scene| self.tiling.frame(scene)).mirroring(self.mirrors);
            (self.framed, self.quarters) = (Arc::new(framed), quarters);
        }
    }

    /// What a map is made of: the averages of the given days' tiles.
    ///
    /// # Shapes
    /// Heads × rows × cols; where views are compared, as many planes of variances behind them.
    fn averages(&mut self, days: &[usize], observe: &mut dyn FnMut(Event), take: &mut TakeAverages<'_, 'a>) -> Result<()> {
        let options = LoaderOptions { batch_size: self.batch_size, ..LoaderOptions::default() };
        let mut crops = Vec::new();
        for &day in days {
            crops.extend(self.mosaic(day)?.crops([day]));
        }
        let (framed, channels) = (self.framed.clone(), self.framed.dataset().inputs().len());
        let read = move |crops: &[Crop]| Batch::of(channels, crops, |crop, sample| framed.read(crop, sample));
        // Windows of one batch have one size, whatever scenes they are of.
        let loader = Loader::reading(read, crops, options)?;
        let mut canvas: Option<Canvas> = None;
        let mut pending = None;
        for batch in loader {
            if let Some(signal) = (self.stop)() {
                return Err(Error::Interrupted(signal));
            }
            let mut batch = batch?;
            self.locations.write(&mut batch)?;
            let outputs = self.forward(&batch, observe)?;
            // The device works on this batch while the one before is read back and laid down.
            let before = pending.replace(Pending { outputs, crops: batch.crops });
            self.lay_down(before, &mut canvas, observe, take)?;
        }
        self.lay_down(pending, &mut canvas, observe, take)
    }

    /// The network's outputs for a batch, in parts where the device has no room for all of it.
    fn forward(&mut self, batch: &Batch, observe: &mut dyn FnMut(Event)) -> Result<Vec<Views>> {
        let mut outputs = Vec::new();
        let mut start = 0;
        while start < batch.n {
            // What dropout leaves out of a tile must not depend on the tiles beside it.
            let most = if self.options.mc_dropout.is_some() { 1 } else { self.batch_size };
            let size = most.min(batch.n - start);
            let part = if size == batch.n { None } else { Some(batch.part(start..start + size)) };
            match self.forward_part(part.as_ref().unwrap_or(batch)) {
                Ok(output) => {
                    outputs.push(output);
                    start += size;
                }
                Err(Error::OutOfMemory(_) | Error::Limit(_)) if size > 1 => {
                    self.batch_size = size / 2;
                    let now = self.batch_size;
                    observe(Event::Note(format!("{size} tiles at once exceed the device; going on with prediction_batch_size {now}")));
                }
                Err(error) => return Err(error.with_remedy("use a smaller prediction_batch_size or img_size")),
            }
        }
        Ok(outputs)
    }

    fn forward_part(&self, batch: &Batch) -> Result<Views> {
        let view = |(symmetry, mode): (Symmetry, Mode)| match symmetry.is_identity() {
            true => Ok((symmetry, self.forward_view(batch, mode)?)),
            false => Ok((symmetry, self.forward_view(&symmetry.turned(batch), mode)?)),
        };
        views::planned(&self.options, batch.crops.first()).into_iter().map(view).collect()
    }

    fn forward_view(&self, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let output = outputs(self.model, &self.preprocessor, self.task.as_ref(), batch, mode)?;
        output.gpu().submit();
        Ok(output)
    }

    /// Variances over views of tiles, which come behind averages; none where views are not compared.
    fn split_off_variances(&self, averages: &mut Vec<f32>) -> Vec<f32> {
        if self.options.compares_views() { averages.split_off(averages.len() / 2) } else { Vec::new() }
    }

    /// The map of a day's averages, and behind it what follows from several maps (how far they are apart, what each says), on ocean what
    /// maps are to be there.
    fn finish(&self, day: usize, averages: Vec<f32>, several: Vec<f32>) -> Result<Vec<f32>> {
        let [rows, cols] = self.framed.dataset().scene(day);
        let mut map = self.task.finish(averages, rows * cols);
        let bands = self.task.bands().len() + self.task.beside().len();
        map.extend(several.into_iter().take((bands * rows * cols).saturating_sub(map.len())));
        if let Some(masking) = self.masking {
            masking.apply(&self.framed.dataset().ocean(day)?, &mut map);
        }
        Ok(map)
    }

    /// Averages of a turned scene as those of the scene.
    fn turned_back(&self, day: usize, averages: Vec<f32>) -> Vec<f32> {
        if self.quarters == 0 {
            return averages;
        }
        let size = self.framed.frame(day).scene;
        let back = Symmetry::turned_and_flipped(self.quarters, [false, false]);
        let mut turned = Vec::with_capacity(averages.len());
        averages.chunks_exact((size[0] * size[1]).max(1)).for_each(|plane| back.append(plane, size, &mut turned));
        turned
    }

    /// An empty canvas for a day's map; that of the day before where it serves.
    fn canvas(&self, day: usize, before: Option<Canvas>) -> Result<Canvas> {
        let size = self.framed.frame(day).size;
        match before {
            Some(canvas) if canvas.size == size => Ok(Canvas { day, ..canvas }),
            _ => {
                let mosaic = self.mosaic(day)?;
                let planes = self.task.heads() * if self.options.compares_views() { 2 } else { 1 };
                let sums = Mosaicking::new(size, planes, &mosaic, self.options.blend);
                Ok(Canvas { day, size, mosaic, sums })
            }
        }
    }

    /// Reads outputs back and lays them on the canvas; complete maps go to `take`.
    fn lay_down(
        &self,
        pending: Option<Pending>,
        canvas: &mut Option<Canvas>,
        observe: &mut dyn FnMut(Event),
        take: &mut TakeAverages<'_, 'a>,
    ) -> Result<()> {
        let Some(Pending { outputs, crops }) = pending else { return Ok(()) };
        let mut crops = crops.iter();
        let pixels = self.tiling.tile[0] * self.tiling.tile[1];
        let settle = |tile: &mut [f32]| self.task.settle(tile, pixels);
        let settles_first = self.options.mc_dropout.is_some() || self.task.averages_settled();
        for views in outputs {
            let n = views.first().map_or(0, |(_, output)| output.shape().dims()[0]);
            let (mut values, variances) = moments_of(&views, &settle, settles_first, self.options.compares_views())?;
            let of_tile = values.len() / n.max(1);
            let mut variances = variances.chunks_exact(of_tile.max(1));
            for (values, crop) in values.chunks_exact_mut(of_tile).zip(&mut crops) {
                refuse_not_finite(values, || self.framed.dataset().days()[crop.day].file_name())?;
                let mut on = match canvas.take() {
                    Some(canvas) if canvas.day == crop.day && canvas.sums.laid() > 0 => canvas,
                    other => self.canvas(crop.day, other)?,
                };
                let tile = &on.mosaic.tiles[on.sums.laid()];
                if !settles_first {
                    self.task.settle(values, tile.window.pixels());
                }
                match variances.next() {
                    Some(variances) => on.sums.lay(tile, &[values, variances].concat()),
                    None => on.sums.lay(tile, values),
                }
                if on.sums.laid() == on.mosaic.tiles.len() {
                    let averages = self.framed.frame(crop.day).cut(on.sums.take_mean());
                    take(self, crop.day, self.turned_back(crop.day, averages))?;
                }
                *canvas = Some(on);
            }
            observe(Event::Done(n));
        }
        Ok(())
    }
}

/// A network's outputs for the tiles of a batch.
fn outputs(model: &dyn Model, preprocessor: &Preprocessor, task: &dyn Task, batch: &Batch, mode: Mode) -> Result<Tensor> {
    let output = model.forward(&Tape::off(), &preprocessor.inputs(batch)?, mode)?.map;
    let wanted = [batch.n, task.heads(), batch.height, batch.width];
    if output.shape().dims() != wanted {
        let message =
            format!("the network gives {} where maps of {wanted:?} are expected; check out_channels and img_size", output.shape());
        return Err(Error::shape("predict", message));
    }
    Ok(output)
}

fn refuse_not_finite(values: &[f32], of: impl FnOnce() -> String) -> Result<()> {
    if values.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(Error::NotFinite(format!(
        "the network's output for {} is not finite; check that the weights belong to this configuration, and its mean_ and std_ keys",
        of()
    )))
}
