//! Maps of whole scenes: tiles through a network, settled by the task, and averaged where they overlap.
//!
//! map(p) = Σ_t w_t(p) settled(f(x_t))(p) / Σ_t w_t(p), over the tiles whose kept part covers p ([`Mosaic`]), with w = 1 unless [`Options`]
//! say otherwise; deploy maps are 0 on ocean where `apply_landmask_to_predictions` says so, all maps NaN there where `mask_outputs` does.
//! Which tiles share a batch has no effect on the result beyond rounding.

mod certainty;
mod class_maps;
mod located;
mod location_search;
pub mod manifest;
pub mod map_files;
mod masking;
mod mosaicking;
mod options;
pub mod origin;
mod outlines;
mod range;
mod scene;
mod scene_files;
mod tiling;
mod trained;
mod views;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

pub use certainty::{Calibrating, fit_calibration};
pub use location_search::{FoundLocation, LocationSearch, location_file};
use manifest::{Maker, Manifest, weights_digest};
pub use map_files::{Destination, MapFiles, Place};
use masking::Masking;
use mosaicking::Mosaicking;
pub use options::{Blend, Options};
pub use outlines::OutlineOptions;
use outlines::{Outlines, made_by, refuse_unplaced};
pub use scene::Scene;
pub use tiling::Tiling;
pub use trained::Trained;
use views::{Views, mean_of};

use crate::autograd::Tape;
use crate::calibrate::Curve;
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::day::{Day, Split};
use crate::data::framed::Framed;
use crate::data::loader::{Batch, Loader, LoaderOptions};
use crate::data::location::Locations;
use crate::data::symmetry::Symmetry;
use crate::data::tiles::{Crop, Mosaic};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::files::Digest;
use crate::gpu::Gpu;
use crate::models::{self, Model};
use crate::nn::Mode;
use crate::preprocess::{Preprocessor, zeros};
use crate::tasks::{self, Task};
use crate::tensor::Tensor;
use crate::weights::provenance::require_same;
use crate::weights::{self, intact_weight_file};

/// Makes maps of a dataset's days with a model.
pub struct Predictor<'a> {
    model: &'a dyn Model,
    framed: Arc<Framed>,
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
        let (tiling, warning) = Tiling::of(config, dataset.scene(0));
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
        let framed = Arc::new(Framed::new(dataset.clone(), zeros(config, dataset.inputs())?, |scene| tiling.frame(scene)));
        let locations = located::locations(config, &framed, &options)?;
        Ok(Predictor {
            model,
            framed,
            preprocessor,
            locations,
            tiling,
            batch_size: config.prediction_batch_size,
            task: tasks::of(config),
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
        let options = LoaderOptions { batch_size: self.batch_size, ..LoaderOptions::default() };
        let mut crops = Vec::new();
        for &day in days {
            crops.extend(self.mosaic(day)?.crops([day]));
        }
        observe(Event::Start { label: "predict", total: crops.len(), unit: "tiles" });
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

    /// The map of a day's averages, on ocean what maps are to be there.
    fn finish(&self, day: usize, averages: Vec<f32>) -> Result<Vec<f32>> {
        let frame = self.framed.frame(day);
        let mut map = self.task.finish(frame.cut(averages), frame.scene[0] * frame.scene[1]);
        if let Some(masking) = self.masking {
            masking.apply(&self.framed.dataset().ocean(day)?, &mut map);
        }
        Ok(map)
    }

    /// An empty canvas for a day's map; that of the day before where it serves.
    fn canvas(&self, day: usize, before: Option<Canvas>) -> Result<Canvas> {
        let size = self.framed.frame(day).size;
        match before {
            Some(canvas) if canvas.size == size => Ok(Canvas { day, ..canvas }),
            _ => {
                let mosaic = self.mosaic(day)?;
                let sums = Mosaicking::new(size, self.task.heads(), &mosaic, self.options.blend);
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
        take: &mut dyn FnMut(usize, Vec<f32>) -> Result<()>,
    ) -> Result<()> {
        let Some(Pending { outputs, crops }) = pending else { return Ok(()) };
        let mut crops = crops.iter();
        let pixels = self.tiling.tile[0] * self.tiling.tile[1];
        let settle = |tile: &mut [f32]| self.task.settle(tile, pixels);
        let settles_first = self.options.mc_dropout.is_some() || self.task.averages_settled();
        for views in outputs {
            let n = views.first().map_or(0, |(_, output)| output.shape().dims()[0]);
            let mut values = mean_of(&views, if settles_first { Some(&settle) } else { None })?;
            let of_tile = values.len() / n.max(1);
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
                on.sums.lay(tile, values);
                if on.sums.laid() == on.mosaic.tiles.len() {
                    take(crop.day, self.finish(crop.day, on.sums.take_mean())?)?;
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

/// What to make maps with, and which.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Which days are mapped.
    pub split: Split,
    /// These days of the split; none: those of its list.
    pub days: Option<&'a [Day]>,
    /// A safetensors file or a folder with one ([`crate::weights::intact_weight_file`]).
    pub weights: &'a Path,
    /// Departures from the reference's way.
    pub options: Options,
    /// Outlines beside the maps, where they are wanted.
    pub outlines: Option<OutlineOptions>,
    /// Make finished maps again, too.
    pub overwrite: bool,
    /// Go on although the weights say that they were trained under another configuration.
    pub accept_changed_config: bool,
    /// Which curve maps say by how sure they are.
    pub calibrating: Calibrating<'a>,
}

/// Writes the maps of a split's days, in the order of the split file; those that an equal earlier run finished are left as they are.
/// Returns the days with their maps, in order of time.
///
/// # Errors
/// As [`Predictor`]; weights that do not fit the configured model, or were trained under another configuration; a map or picture that
/// cannot be written.
pub fn write_maps(
    gpu: &Gpu,
    config: &Config,
    request: &Request,
    destination: Destination,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<(Day, PathBuf)>> {
    let dataset = Arc::new(match request.days {
        None => Dataset::open(config, request.split)?,
        Some(days) => Dataset::of_days(config, request.split, days.to_vec())?,
    });
    let file = intact_weight_file(request.weights)?;
    if file != request.weights {
        observe(Event::Note(format!("weights: {}", file.display())));
    }
    require_same(&file, config, request.accept_changed_config)?.into_iter().for_each(&mut *observe);
    let (digest, mut options) = (weights_digest(&file)?, json!(request.options));
    // A median filter changes no confidence.
    let of_confidence = json!(Options { median: None, ..request.options });
    let (curve, note) = request.calibrating.open(&file, &digest, &of_confidence)?;
    note.into_iter().for_each(|note| observe(Event::Note(note)));
    let mut task = tasks::of(config);
    if let (Some(curve), Some(options)) = (&curve, options.as_object_mut()) {
        options.insert("calibration".into(), json!(Digest::of(json!(curve).to_string().as_bytes())));
        task.calibrate(curve);
    }
    class_maps::check_median(request.options.median, task.as_ref())?;
    let of_folder = |options| {
        refuse_unplaced(&dataset)?;
        Outlines::open(destination.folder, task.as_ref(), options)
    };
    let outlines = request.outlines.map(of_folder).transpose()?;
    let maker = Maker { weights: digest, options, fills: None };
    let wanted = dataset.days().iter().map(Day::file_name).collect();
    let (mut manifest, notes) = Manifest::open(destination, config, &maker, &wanted)?;
    notes.into_iter().for_each(|note| observe(Event::Note(note)));
    let mut days: Vec<usize> = (0..dataset.days().len()).collect();
    let sources = |day: usize| {
        let landmask = dataset.landmask().map(|raster| raster.path().to_owned());
        dataset
            .input_files(day)
            .into_iter()
            .chain(landmask)
            .chain(dataset.mask_file_of_map(day))
            .chain(config.path_regions.clone())
            .collect::<Vec<PathBuf>>()
    };
    // Asked also where all are made again: it takes the states of the rasters before they are read.
    let search = request.options.location;
    let lacks_location = |map: &str| search.is_some() && !location_file(&destination.folder.join(map)).is_file();
    let is_made = |&day: &usize| {
        let map = dataset.days()[day].file_name();
        !manifest.is_finished(&map, destination.pictures, &sources(day)) || request.overwrite || lacks_location(&map)
    };
    days.retain(is_made);
    if let Some(outlines) = &outlines {
        outlines.check(dataset.days(), |day| days.contains(&day))?;
    }
    let finished = dataset.days().len() - days.len();
    if finished > 0 {
        let message = format!("{finished} of {} maps are finished already; --overwrite makes them again", dataset.days().len());
        observe(Event::Note(message));
    }
    if !days.is_empty() {
        range::unlike_training(config, &dataset, &days)?.into_iter().for_each(|line| observe(Event::Note(line)));
        manifest.begin()?;
        let model = weights::open(gpu, &file, config)?;
        let mut predictor = Predictor::new(gpu, config, model.as_ref(), dataset.clone(), request.options, observe)?;
        curve.iter().for_each(|curve| predictor.calibrate(curve));
        let files = destination.files(config.model_key.name(), task.as_ref(), &maker.weights);
        let mut take = |day: usize, mut map: Vec<f32>| {
            let date = &dataset.days()[day];
            if task.classes().is_some() {
                class_maps::hide_unknown(&mut map, &dataset, day)?;
            }
            if let Some(size) = request.options.median {
                class_maps::filter(&mut map, dataset.scene(day), size)?;
            }
            files.write(date, &map, None, &Place::of(&dataset, day)?)?;
            dataset.release(day);
            manifest.finish(&date.file_name(), Some(&sources(day))).map(drop)
        };
        predictor.located_maps(config, &days, destination.folder, observe, &mut take)?;
    }
    let mut maps: Vec<(Day, PathBuf)> = dataset.days().iter().map(|day| (*day, destination.folder.join(day.file_name()))).collect();
    maps.sort_by_key(|(day, _)| *day);
    maps.dedup_by(|(later, _), (day, _)| later == day);
    if let Some(mut outlines) = outlines {
        let mapped: Vec<Day> = maps.iter().map(|(day, _)| *day).collect();
        outlines.write(&mapped, task.as_ref(), &made_by(config.model_key.name(), &maker.weights), observe)?;
    }
    Ok(maps)
}
