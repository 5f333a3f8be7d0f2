//! The state of a run on the device, and the batches that it sees.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use super::augment::{Augmentation, UnknownRegion};
use super::crops::{crop_size, framed, train_size};
use super::freeze;
use super::pretext::Pretext;
use super::share::Share;
use super::step::{LossOf, loss_scale, masked_loss, optimizer, schedule};
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
use crate::ops::LossKind;
use crate::optim::{LossScale, Optimizer, Schedule};
use crate::preprocess::Preprocessor;
use crate::random::Purpose;
use crate::ranks::Ranks;
use crate::tasks::{self, Targets, Task};

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
    pub(super) config: &'a Config,
    pub(super) ranks: Ranks,
    pub(super) share: Share,
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
    pub(super) preprocessor: Preprocessor,
    augmentation: Option<Arc<Augmentation>>,
    pub(super) unknown_region: Option<UnknownRegion>,
    pub(super) train: Arc<Framed>,
    pub(super) val: Option<Arc<Framed>>,
    /// Where the crops of each lie.
    pub(super) locations: [Locations; 2],
    crop: [usize; 2],
    /// Crops of an epoch of training before some are left out, and of a validation.
    pub(super) counts: [usize; 2],
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
        ranks: &Ranks,
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
            ranks: ranks.clone(),
            share: Share::new(config, ranks.position()),
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

    /// This rank's batches of an epoch's crops, read ahead; they depend on the seed, the epoch and the purpose alone.
    pub(super) fn loader(&self, framed: &Arc<Framed>, epoch: usize, purpose: Purpose) -> Result<Loader> {
        let mut crops = self.crops(framed, epoch, purpose)?;
        let batch_size = self.config.batch_size;
        if purpose == Purpose::Train {
            // Before ranks take their shares, of which only one has the last batch.
            crops.truncate(train_size(crops.len(), batch_size, self.drop_last).0);
            crops = self.share.train_crops(&crops, batch_size);
        } else {
            crops = self.share.val_crops(&crops, batch_size);
        }
        let (framed, channels) = (framed.clone(), framed.dataset().inputs().len());
        let options = LoaderOptions { batch_size, workers: READERS, ..LoaderOptions::default() };
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

    /// The crops of an epoch: of days one each, or as many about pixels of each kind, of scenes those of [`train_crops`] and [`val_crops`].
    fn crops(&self, framed: &Framed, epoch: usize, purpose: Purpose) -> Result<Vec<Crop>> {
        let (dataset, seed, epoch) = (framed.dataset(), self.config.seed, epoch as u64);
        if let Some(crops) = self.pretext.as_ref().and_then(|pretext| pretext.crops(seed, epoch, purpose, self.counts[0])) {
            return Ok(crops);
        }
        if let Some(places) = self.places.get().filter(|_| purpose == Purpose::Train) {
            return places.crops((seed, epoch), framed, self.crop, self.counts[0], &|t, o| self.classes(t, o));
        }
        match (dataset.domain().unit, purpose) {
            (Unit::Scene, Purpose::Train) => {
                let in_turn = self.config.crops_of_scenes == CropsOfScenes::InTurn;
                Ok(train_crops(seed, epoch, framed.frames(), self.crop, self.counts[0], in_turn))
            }
            (Unit::Day, _) => Ok(CropSampler::new(seed, epoch, purpose, dataset.days().len(), dataset.scene(0), self.crop)?.crops()),
            (Unit::Scene, _) => val_crops(framed.frames(), self.crop),
        }
    }

    /// The class of each pixel that counts as one.
    fn classes(&self, target: &[f32], ocean: &[f32]) -> Vec<Option<usize>> {
        let (values, mask) = self.task.masked(target, ocean);
        values.into_iter().zip(mask).map(|(value, mask)| (mask == 0.0).then(|| self.task.kind(value))).collect()
    }

    /// Looks for the classes of the train scenes, once, where crops are drawn by them.
    pub(super) fn find_classes(&self, watcher: &mut Watcher) -> Result<()> {
        let (CropsOfClasses::Even, Some(classes), None) = (self.config.crops_of_classes, self.task.kinds(), self.places.get()) else {
            return Ok(());
        };
        let places = ClassPlaces::of(&self.train, classes.len(), &|t, o| self.classes(t, o))?;
        let shares = places.shares();
        if shares.is_empty() {
            let message = "is even, and no pixel to train on has a class; check the targets";
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

    /// Hands over a batch on the device, and the loss of what a network makes of it; says also whether any pixel of the batch counts.
    pub(super) fn with_batch<T>(&self, batch: &Batch, then: impl FnOnce(&Inputs, &LossOf) -> Result<T>) -> Result<(T, bool)> {
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
    pub(super) fn empty_batch(&self, n: usize) -> Batch {
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
