//! The state of a run on the device, and its two passes over the data: an epoch of training, and one of validation.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use super::augment::{Augmentation, UnknownRegion};
use super::crops::{batches_by_step, crop_size, framed, train_size};
use super::freeze;
use super::losses::Losses;
use super::pretext::Pretext;
use super::step::{LossOf, Step, loss_scale, masked_loss, optimizer, schedule};
use super::tree::rehearsal;
use crate::autograd::Tape;
use crate::config::{Config, CropsOfClasses, CropsOfScenes};
use crate::data::class_places::ClassPlaces;
use crate::data::dataset::Dataset;
use crate::data::framed::Framed;
use crate::data::loader::{Batch, Loader, LoaderOptions};
use crate::data::location::{Centre, Locations, of_unknown_region};
use crate::data::scene_crops::{train_count, train_crops, val_crops};
use crate::data::tiles::{Crop, CropSampler};
use crate::domains::{Unit, Variable};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::Gpu;
use crate::models::{self, Inputs, Model};
use crate::nn::Mode;
use crate::ops::LossKind;
use crate::optim::{LossScale, Optimizer, Schedule};
use crate::preprocess::Preprocessor;
use crate::random::Purpose;
use crate::tasks::{self, Targets, Task};
use crate::tensor::Tensor;

/// Threads that read crops; more than needed wait.
const READERS: usize = 4;

/// Whoever watches a run: hears of its progress and may ask it to stop.
pub struct Watcher<'a> {
    /// The number of a signal that asks to stop.
    pub stop: &'a dyn Fn() -> Option<i32>,
    /// Hears every event.
    pub observe: &'a mut dyn FnMut(Event),
}

impl Watcher<'_> {
    /// # Errors
    /// [`Error::Interrupted`] where a signal came.
    pub(super) fn refuse_to_go_on(&self) -> Result<()> {
        (self.stop)().map_or(Ok(()), |signal| Err(Error::Interrupted(signal)))
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        (self.observe)(Event::Note(text.into()));
    }
}

/// What an epoch of training came to.
pub(super) struct EpochOfTraining {
    /// Mean loss over the batches with a valid pixel; `None` where none has any.
    pub(super) loss: Option<f64>,
    /// The loss of each batch, where it has a valid pixel.
    pub(super) losses: Vec<Option<f64>>,
    /// Steps of the run before it.
    pub(super) first_step: u64,
    /// Learning rate of the last step.
    pub(super) learning_rate: f64,
    /// Time spent waiting for data.
    pub(super) waited: Duration,
}

/// Model, optimizer and schedule between two epochs.
pub(super) struct Session<'a> {
    config: &'a Config,
    pub(super) model: Box<dyn Model>,
    pub(super) optimizer: Optimizer,
    pub(super) schedule: Schedule,
    /// What losses are multiplied by, in mixed precision.
    pub(super) loss_scale: Option<LossScale>,
    /// Steps of the optimizer since the start of the run.
    pub(super) step: u64,
    task: Box<dyn Task>,
    /// What is learned in place of the task, in a pretraining.
    pub(super) pretext: Option<Pretext>,
    preprocessor: Preprocessor,
    augmentation: Option<Arc<Augmentation>>,
    unknown_region: Option<UnknownRegion>,
    train: Arc<Framed>,
    val: Option<Arc<Framed>>,
    /// Where the crops of each lie.
    locations: [Locations; 2],
    crop: [usize; 2],
    /// Crops of an epoch of training before some are left out, and of a validation.
    counts: [usize; 2],
    drop_last: bool,
    /// Where the classes are, once crops are drawn by them.
    places: OnceCell<ClassPlaces>,
}

impl<'a> Session<'a> {
    /// A session at its start, with initial weights drawn from the seed.
    pub(super) fn new(
        gpu: &Gpu,
        config: &'a Config,
        train: Arc<Dataset>,
        val: Option<Arc<Dataset>>,
        watcher: &mut Watcher,
    ) -> Result<Session<'a>> {
        let crop = crop_size(config, &train, &mut |warning| watcher.note(warning));
        let train = framed(config, train, crop)?;
        let val = val.map(|val| framed(config, val, crop)).transpose()?;
        let unit = train.dataset().domain().unit;
        let pretext = Pretext::of(config, &train, val.as_deref(), crop)?;
        let mut counts = match unit {
            Unit::Day => [train.frames().len(), val.as_ref().map_or(0, |val| val.frames().len())],
            Unit::Scene => [
                train_count(train.frames(), crop, config.crops_per_epoch),
                val.as_ref().map_or(Ok(0), |val| val_crops(val.frames(), crop).map(|crops| crops.len()))?,
            ],
        };
        counts[1] = pretext.as_ref().and_then(Pretext::val_count).unwrap_or(counts[1]);
        let (crops, batch_size) = (counts[0], config.batch_size);
        // The last few crops of an epoch are left out as the reference leaves them out, but never all crops.
        let drop_last = (config.batch_norm || batch_size == 1) && crops >= batch_size;
        if crops < batch_size {
            let has = match unit {
                Unit::Day => format!("the train split has {crops} days"),
                Unit::Scene => format!("an epoch has {crops} crops (crops_per_epoch sets their number)"),
            };
            watcher.note(format!("batch_size is {batch_size}, {has}: every epoch is one batch of {crops} crops"));
        }
        let inputs = models::inputs(config)?;
        let model = match &pretext {
            Some(pretext) => pretext.model(gpu, config)?,
            None => models::untrained(gpu, config)?,
        };
        pretext.iter().for_each(|pretext| watcher.note(pretext.describe()));
        freeze::of_names(config, model.parameters())?;
        let preprocessor = Preprocessor::new(gpu, config, train.dataset().inputs(), &inputs)?;
        let task = tasks::of(config);
        if pretext.is_none() && config.out_channels != task.heads() {
            let message = format!("is {}, but the task `{}` needs {}", config.out_channels, task.key().name(), task.heads());
            return Err(config.key_error("out_channels", message));
        }
        let augmentation = Augmentation::of(config, train.dataset().inputs())?.map(Arc::new);
        if let Some(augmentation) = &augmentation {
            watcher.note(format!("train crops are changed at random: {}", augmentation.describe(crop)));
        }
        let of_crops = |framed: &Arc<Framed>| Locations::of(config, framed, Centre::Crop);
        let locations = [of_crops(&train)?, of_crops(val.as_ref().unwrap_or(&train))?];
        let unknown_region = UnknownRegion::of(config);
        if let Some(unknown_region) = &unknown_region {
            watcher.note(format!("regions: {}", config.regions.join(", ")));
            watcher.note(unknown_region.describe());
            let unknown = of_unknown_region(config, train.dataset());
            if !unknown.is_empty() {
                watcher.note(format!("{} train scenes are of none of them: {}", unknown.len(), unknown.join(", ")));
            }
        }
        let schedule = schedule(config, train_size(crops, batch_size, drop_last).1.div_ceil(config.accumulate_steps));
        let optimizer = optimizer(config);
        let places = OnceCell::new();
        Ok(Session {
            config,
            model,
            optimizer,
            schedule,
            loss_scale: loss_scale(config),
            step: 0,
            task,
            pretext,
            preprocessor,
            augmentation,
            unknown_region,
            train,
            val,
            locations,
            crop,
            counts,
            drop_last,
            places,
        })
    }

    /// Crops that an epoch of training uses, and the batches that they make.
    pub(super) fn train_size(&self) -> (usize, usize) {
        train_size(self.counts[0], self.config.batch_size, self.drop_last)
    }

    /// The scores that are looked at after every epoch, by name; none in a pretraining.
    pub(super) fn watched(&self) -> &'static [&'static str] {
        if self.pretext.is_some() { &[] } else { self.task.watched() }
    }

    /// Rows and columns of a crop.
    pub(super) fn crop(&self) -> [usize; 2] {
        self.crop
    }

    /// Crops of a validation epoch; where regions are seen, each counts as its region's and as an unknown one's.
    pub(super) fn val_size(&self) -> usize {
        self.counts[1] * if self.unknown_region.is_some() { 2 } else { 1 }
    }

    /// Batches of an epoch's crops, read ahead; they depend on the seed, the epoch and the purpose alone.
    fn loader(&self, framed: &Arc<Framed>, epoch: usize, purpose: Purpose) -> Result<Loader> {
        let crops = self.crops(framed, epoch, purpose)?;
        let (framed, channels) = (framed.clone(), framed.dataset().inputs().len());
        let drop_last = purpose == Purpose::Train && self.drop_last;
        let options = LoaderOptions { batch_size: self.config.batch_size, drop_last, workers: READERS, ..LoaderOptions::default() };
        if let Some(read) = self.pretext.as_ref().and_then(|pretext| pretext.reading(epoch, purpose)) {
            return Loader::reading(read, crops, options);
        }
        match &self.augmentation {
            Some(augmentation) if purpose == Purpose::Train => {
                let augmentation = augmentation.clone();
                Loader::reading(move |crops| augmentation.read(&framed, epoch, crops), crops, options)
            }
            _ => Loader::reading(move |crops| Batch::of(channels, crops, |crop, sample| framed.read(crop, sample)), crops, options),
        }
    }

    /// The crops of an epoch: of days one each, of scenes those of [`train_crops`] and [`val_crops`].
    fn crops(&self, framed: &Framed, epoch: usize, purpose: Purpose) -> Result<Vec<Crop>> {
        let (dataset, seed, epoch) = (framed.dataset(), self.config.seed, epoch as u64);
        if let Some(crops) = self.pretext.as_ref().and_then(|pretext| pretext.crops(seed, epoch, purpose, self.counts[0])) {
            return Ok(crops);
        }
        match (dataset.domain().unit, purpose) {
            (Unit::Day, _) => Ok(CropSampler::new(seed, epoch, purpose, dataset.days().len(), dataset.scene(0), self.crop)?.crops()),
            (Unit::Scene, Purpose::Train) => match self.places.get() {
                Some(places) => places.crops((seed, epoch), framed, self.crop, self.counts[0], &|t, o| self.classes(t, o)),
                None => {
                    let in_turn = self.config.crops_of_scenes == CropsOfScenes::InTurn;
                    Ok(train_crops(seed, epoch, framed.frames(), self.crop, self.counts[0], in_turn))
                }
            },
            (Unit::Scene, _) => val_crops(framed.frames(), self.crop),
        }
    }

    /// The class of each pixel that counts as one.
    fn classes(&self, target: &[f32], ocean: &[f32]) -> Vec<Option<usize>> {
        let (values, mask) = self.task.masked(target, ocean);
        values.into_iter().zip(mask).map(|(value, mask)| (mask == 0.0).then_some(value as usize)).collect()
    }

    /// Looks for the classes of the train scenes, once, where crops are drawn by them.
    fn find_classes(&self, watcher: &mut Watcher) -> Result<()> {
        let (CropsOfClasses::Even, Some(classes), None) = (self.config.crops_of_classes, self.task.classes(), self.places.get()) else {
            return Ok(());
        };
        let places = ClassPlaces::of(&self.train, classes.len(), &|t, o| self.classes(t, o))?;
        let shares = places.shares();
        if shares.is_empty() {
            let message = "is even, and no pixel of the train scenes has a class; check the class maps of path_classes";
            return Err(self.config.key_error("crops_of_classes", message));
        }
        let words: Vec<String> = shares.iter().map(|(class, share)| format!("{} ({:.2} %)", classes[*class], 100.0 * share)).collect();
        watcher.note(format!("train crops are drawn about pixels of each class alike; classes and their pixels: {}", words.join(", ")));
        let _ = self.places.set(places);
        Ok(())
    }

    /// Steps of the optimizer in an epoch.
    pub(super) fn steps(&self) -> usize {
        self.train_size().1.div_ceil(self.config.accumulate_steps)
    }

    /// Trains on every day once.
    pub(super) fn train_epoch(&mut self, epoch: usize, watcher: &mut Watcher) -> Result<EpochOfTraining> {
        self.find_classes(watcher)?;
        let mut loader = self.loader(&self.train, epoch, Purpose::Train)?;
        let rho = self.config.sharpness_aware;
        let (steps, first_step) = (batches_by_step(self.config, self.train_size()), self.step);
        let mut losses = Losses::new();
        let mut rate = self.schedule.learning_rate();
        for (index, sizes) in steps.iter().enumerate() {
            let mut step = Step::new(self.model.as_ref(), self.config.recompute).scaled(self.loss_scale.as_ref());
            // As published, a step that lacks batches at the end of an epoch is the smaller for it.
            let all: usize = match self.config.reference_windows {
                true => self.config.batch_size * self.config.accumulate_steps,
                false => sizes.iter().sum(),
            };
            let mut again = Vec::new();
            for (part, (size, batch)) in sizes.iter().zip(&mut loader).enumerate() {
                watcher.refuse_to_go_on()?;
                let mut batch = batch?;
                self.locations[0].write(&mut batch)?;
                self.unknown_region.iter().for_each(|unknown| unknown.forget(epoch, &mut batch));
                self.pretext.iter().for_each(|pretext| pretext.hide(epoch, &mut batch));
                let draw = self.step * self.config.accumulate_steps as u64 + part as u64;
                let share = *size as f32 / all as f32;
                let (loss, valid) = self.with_batch(&batch, |inputs, loss| step.add(draw, share, inputs, loss))?;
                if losses.push(loss, day_names(self.train.dataset(), &batch), valid) {
                    report(&mut losses, epoch, watcher)?;
                }
                if rho > 0.0 {
                    again.push((draw, share, batch));
                }
            }
            if rho > 0.0 {
                step = step.ascended(rho)?;
                for (draw, share, batch) in again {
                    self.with_batch(&batch, |inputs, loss| step.add(draw, share, inputs, loss))?;
                }
            }
            rate = self.schedule.learning_rate();
            self.optimizer.set_learning_rate(rate);
            let finished = step.finish_scaled(&mut self.optimizer, self.loss_scale.as_mut());
            finished.map_err(|error| of_epoch(error, epoch, "training"))?;
            self.step += 1;
            self.schedule.count_update();
            // As the reference does it: the position after a step is that of its beginning, so that the first two steps share a rate.
            self.schedule.advance_to((epoch - 1) as f64 + index as f64 / steps.len() as f64);
        }
        report(&mut losses, epoch, watcher)?;
        watcher.refuse_to_go_on()?;
        let waited = loader.waited();
        Ok(EpochOfTraining { loss: losses.mean(), losses: losses.into_values(), first_step, learning_rate: rate, waited })
    }

    /// The mean loss over the batches of the val split, on crops of this epoch; `None` without one, or without a valid pixel in its crops.
    pub(super) fn validate_epoch(&self, epoch: usize, watcher: &mut Watcher) -> Result<Option<f64>> {
        let Some(val) = &self.val else { return Ok(None) };
        let mut losses = Losses::new();
        for batch in self.loader(val, epoch, Purpose::Validate)? {
            watcher.refuse_to_go_on()?;
            let mut batch = batch?;
            self.locations[1].write(&mut batch)?;
            self.pretext.iter().for_each(|pretext| pretext.hide(epoch, &mut batch));
            let mut is_due = self.push_val_loss(&batch, val.dataset(), &mut losses)?;
            if let Some(unknown_region) = &self.unknown_region {
                unknown_region.forget_all(&mut batch);
                is_due |= self.push_val_loss(&batch, val.dataset(), &mut losses)?;
            }
            if is_due {
                (watcher.observe)(Event::Done(losses.collect().map_err(|error| of_epoch(error, epoch, "validation"))?));
            }
        }
        (watcher.observe)(Event::Done(losses.collect().map_err(|error| of_epoch(error, epoch, "validation"))?));
        Ok(losses.mean())
    }

    /// Hands over a batch on the device, and the loss of what a network makes of it; says also whether any pixel of the batch counts.
    fn with_batch<T>(&self, batch: &Batch, then: impl FnOnce(&Inputs, &LossOf) -> Result<T>) -> Result<(T, bool)> {
        let (inputs, targets) = match &self.pretext {
            Some(pretext) => pretext.inputs_and_targets(&self.preprocessor, batch)?,
            None => (self.preprocessor.inputs(batch)?, Targets::of(self.task.as_ref(), self.preprocessor.gpu(), batch)?),
        };
        let absolute = masked_loss(LossKind::L1, &targets.values, &targets.mask);
        let made = then(&inputs, &|tape, outputs| match self.pretext {
            Some(_) => absolute(tape, outputs),
            None => self.task.loss(tape, outputs, &targets),
        })?;
        Ok((made, targets.any_valid))
    }

    /// Adds the loss of a batch of validation; true where it is time to collect.
    fn push_val_loss(&self, batch: &Batch, val: &Dataset, losses: &mut Losses) -> Result<bool> {
        let (loss, valid) = self.val_loss(batch)?;
        Ok(losses.push(loss, day_names(val, batch), valid))
    }

    fn val_loss(&self, batch: &Batch) -> Result<(Tensor, bool)> {
        self.with_batch(batch, |inputs, loss| {
            let tape = Tape::off();
            loss(&tape, &self.model.forward(&tape, inputs, Mode::Eval)?)
        })
    }

    /// Goes once through everything that training does to the device's memory, on batches without data: for a session on a planner.
    pub(super) fn rehearse(&mut self) -> Result<()> {
        let steps = batches_by_step(self.config, self.train_size());
        // From the second step on there is the optimizer's state, and the last step may differ.
        for sizes in steps.first().into_iter().chain(steps.first()).chain(steps.last()) {
            let rehearse = |step: &mut Step| {
                rehearsal(sizes.len()).into_iter().try_for_each(|(leaves, batch)| {
                    let batch = self.empty_batch(sizes[batch]);
                    self.with_batch(&batch, |inputs, loss| step.add_for(leaves, inputs, loss)).map(drop)
                })
            };
            let mut step = Step::new(self.model.as_ref(), self.config.recompute).scaled(self.loss_scale.as_ref());
            rehearse(&mut step)?;
            if self.config.sharpness_aware > 0.0 {
                step = step.ascended(self.config.sharpness_aware)?;
                rehearse(&mut step)?;
            }
            step.finish(&mut self.optimizer)?;
        }
        if self.val.is_some() {
            let (crops, batch_size) = (self.counts[1], self.config.batch_size);
            // The crop that is scored after every epoch goes through alone.
            for size in [crops.min(batch_size), crops % batch_size, 1].into_iter().filter(|size| *size > 0) {
                self.val_loss(&self.empty_batch(size))?;
            }
        }
        Ok(())
    }

    /// Bytes that the process takes beside the device's memory: batches that are read ahead, and a checkpoint on its way to the disk.
    ///
    /// # Errors
    /// Out of memory.
    pub(super) fn beside(&self) -> Result<u64> {
        let [height, width] = self.crop;
        let planes = self.train.dataset().inputs().iter().filter(|input| !input.is_scalar()).count() + 2;
        let batch = self.config.batch_size.min(self.counts[0]) * planes * height * width;
        // Sharpness-aware steps look at their batches twice.
        let again = if self.config.sharpness_aware > 0.0 { self.config.accumulate_steps } else { 0 };
        let weights = self.model.parameters().count();
        let moments: usize = self.optimizer.state_tensors()?.iter().map(|(_, tensor)| tensor.len()).sum();
        // One batch in each reader's hands, one behind it, one in use and its upload; weights, then the moments and their file's bytes.
        Ok(4 * ((2 * READERS + 2 + again) * batch + weights + (2 * moments).max(weights)) as u64)
    }

    /// A batch of `n` crops that holds no data.
    fn empty_batch(&self, n: usize) -> Batch {
        let [height, width] = self.crop;
        let values = n * height * width;
        // A day's number or month is 1, which every model takes; pages of zeros cost nothing until somebody looks.
        let channel = |input: &&Variable| if input.is_scalar() { vec![1.0; n] } else { vec![0.0; values] };
        let channels = self.train.dataset().inputs().iter().map(channel).collect();
        let mut batch = Batch { n, height, width, channels, target: vec![0.0; values], ocean: vec![0.0; values], ..Batch::default() };
        self.pretext.iter().for_each(|pretext| pretext.widen(&mut batch));
        batch
    }
}

/// Reads the losses back and tells the watcher.
fn report(losses: &mut Losses, epoch: usize, watcher: &mut Watcher) -> Result<()> {
    let arrived = losses.collect().map_err(|error| of_epoch(error, epoch, "training"))?;
    let loss = losses.mean().map_or_else(|| "none yet".into(), |mean| format!("{mean:.5}"));
    (watcher.observe)(Event::Message(format!("epoch {epoch}  loss {loss}")));
    (watcher.observe)(Event::Done(arrived));
    Ok(())
}

/// Adds to values that are not finite where they arose.
pub(super) fn of_epoch(error: Error, epoch: usize, pass: &str) -> Error {
    match error {
        Error::NotFinite(message) => Error::NotFinite(format!("epoch {epoch}, {pass}: {message}")),
        other => other,
    }
}

fn day_names(dataset: &Dataset, batch: &Batch) -> Vec<String> {
    batch.days().filter_map(|day| dataset.days().get(day)).map(|day| day.file_name()).collect()
}
