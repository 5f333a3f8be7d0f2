//! What happens before a run: everything that can be checked without a device is checked, and the folder is taken hold of.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Start;
use super::checkpoint::{Best, Criterion, State};
use super::evaluation::Evaluation;
use super::folder::{BEST_FILE, LAST, RunFolder};
use crate::config::{Config, ModelKey, Precision};
use crate::data::dataset::Dataset;
use crate::data::day::Split;
use crate::data::tiles::fit_to_scene;
use crate::error::{Error, Result};
use crate::models;
use crate::weights::{encoder, weight_file};

/// A run that is ready to start: its configuration and data are checked, and its folder is held.
pub struct Training<'a> {
    pub(super) config: &'a Config,
    pub(super) folder: RunFolder,
    pub(super) train: Arc<Dataset>,
    pub(super) val: Option<Arc<Dataset>>,
    pub(super) evaluation: Option<Evaluation>,
    pub(super) resumed: Option<(PathBuf, State)>,
    pub(super) weights: Option<PathBuf>,
    pub(super) encoder: Option<PathBuf>,
    pub(super) best: Option<Best>,
    pub(super) notes: Vec<String>,
    pub(super) memory_limit: Option<u64>,
}

impl<'a> Training<'a> {
    /// Checks everything that can be checked without a device, and takes hold of `path_checkpoints`.
    ///
    /// # Errors
    /// [`Error::Config`] and [`Error::Input`] for keys and files; [`Error::Usage`] where a fresh start would mix with an earlier run, or a
    /// checkpoint belongs to another configuration; [`Error::Output`] where the folder cannot be used or another process holds it.
    pub fn prepare(config: &'a Config, start: &Start) -> Result<Training<'a>> {
        config.require_model_key()?;
        if config.precision == Precision::Mixed {
            let key = if config.given.contains("precision") { "precision" } else { "amp" };
            return Err(config.key_error(key, "asks for mixed precision, but this version trains in float32; write `precision: f32`"));
        }
        if config.starting_epoch == 0 || config.starting_epoch > config.epochs {
            let message = format!("is {}, but must be from 1 to epochs ({})", config.starting_epoch, config.epochs);
            return Err(config.key_error("starting_epoch", message));
        }
        if config.model_key == ModelKey::DeepLabV3 && config.batch_norm && config.batch_size == 1 {
            let message = "is 1, but deeplabv3 with `batch_norm: true` cannot be trained on one crop: its pooling branch would have a single \
                           value a channel; use 2 or more, or `batch_norm: false`";
            return Err(config.key_error("batch_size", message));
        }
        let path = config.require_path("path_checkpoints")?;
        let train = Arc::new(Dataset::open(config, Split::Train)?);
        models::check_tile(config, fit_to_scene(config.img_size, train.scene()).0)?;
        let val = config.split_csv.contains_key("val").then(|| Dataset::open(config, Split::Val).map(Arc::new)).transpose()?;
        let evaluation = Evaluation::open(config)?;
        let folder = RunFolder::open(path)?;
        let mut training = Training {
            config,
            folder,
            train,
            val,
            evaluation,
            resumed: None,
            weights: None,
            encoder: None,
            best: None,
            notes: Vec::new(),
            memory_limit: None,
        };
        training.notes.extend(training.folder.note().map(str::to_owned));
        if config.periodical_evaluation && training.evaluation.is_none() {
            training.notes.push("periodical_evaluation needs path_eval and path_eval_split_csv: no maps are drawn during training".into());
        }
        match start {
            Start::Fresh => training.refuse_earlier_run()?,
            Start::Weights(path) => {
                training.refuse_earlier_run()?;
                training.weights = Some(weight_file(path)?);
            }
            Start::Newest => match training.folder.newest() {
                Some(checkpoint) => training.resume(checkpoint)?,
                None => {
                    training.refuse_earlier_run()?;
                    training.notes.push(format!("no checkpoint in {} yet: starting from the beginning", path.display()));
                }
            },
            Start::Checkpoint(checkpoint) => {
                if !is_inside(checkpoint, path) {
                    training.refuse_earlier_run()?;
                }
                training.resume(checkpoint.clone())?;
            }
        }
        if training.resumed.is_none() && training.weights.is_none() {
            training.encoder = encoder::encoder_file(config)?;
        }
        Ok(training)
    }

    /// Sets the bytes that the run may take, in place of what the device says that it has.
    pub fn limit_memory(&mut self, bytes: Option<u64>) {
        self.memory_limit = bytes;
    }

    fn refuse_earlier_run(&self) -> Result<()> {
        let Some(found) = self.folder.earlier_run() else { return Ok(()) };
        Err(Error::Usage(format!(
            "{} is of an earlier run, which a new one would overwrite: go on with it (--resume auto), give the new run another folder (--set \
             path_checkpoints=DIR), or remove the old one",
            found.display()
        )))
    }

    fn resume(&mut self, checkpoint: PathBuf) -> Result<()> {
        let state = State::read(&checkpoint)?;
        state.refuse_other_config(&checkpoint, self.config)?;
        self.notes.push(match state.step {
            0 => format!("resuming at {}, at the beginning of epoch {}", checkpoint.display(), state.epoch + 1),
            _ => format!("resuming at {}, after epoch {} of {}", checkpoint.display(), state.epoch, self.config.epochs),
        });
        // Where a run is taken back, the best weights on disk are those that `last` speaks of.
        let of_last = State::read(&self.folder.join(LAST)).ok().and_then(|last| last.best);
        self.best = of_last.or(state.best).filter(|best| best.criterion == self.criterion());
        if self.best.is_some() && !self.folder.join(BEST_FILE).is_file() {
            self.notes.push(format!("{BEST_FILE} is not beside the checkpoints: the best epoch is looked for anew"));
            self.best = None;
        }
        self.resumed = Some((checkpoint, state));
        Ok(())
    }

    /// Whether the run goes on from `last` of its own folder, which then holds its state already.
    pub(super) fn starts_at_last(&self) -> bool {
        self.resumed.as_ref().is_some_and(|(checkpoint, _)| is_inside(checkpoint, &self.folder.join(LAST)))
    }

    /// Which loss chooses the best weights.
    pub(super) fn criterion(&self) -> Criterion {
        if self.val.is_some() { Criterion::ValLoss } else { Criterion::TrainLoss }
    }
}

/// Whether a checkpoint lies in the folder of the run.
fn is_inside(checkpoint: &Path, folder: &Path) -> bool {
    match (checkpoint.canonicalize(), folder.canonicalize()) {
        (Ok(checkpoint), Ok(folder)) => checkpoint.starts_with(folder),
        _ => false,
    }
}
