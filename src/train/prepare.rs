//! What happens before a run: everything that can be checked without a device is checked, and the folder is taken hold of.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoint::{Best, Criterion, Frozen, State};
use super::crops::crop_size;
use super::folder::{LAST, Rotation, RunFolder};
use super::inputs::TrainedOn;
use super::periodical_maps::PeriodicalMaps;
use super::resume::{self, Found};
use super::target_range::out_of_range;
use super::valid::{require_known_classes, require_valid_pixels};
use super::validation_maps::ValidationMaps;
use super::{ChangedData, Start, share};
use crate::config::{BestBy, Config};
use crate::data::dataset::Dataset;
use crate::data::day::Split;
use crate::error::{Error, Result};
use crate::models;
use crate::ranks::Ranks;
use crate::weights::{encoder, intact_weight_file};

/// A run that is ready to start: its configuration and data are checked, and its folder is held.
pub struct Training<'a> {
    pub(super) config: &'a Config,
    pub(super) ranks: Ranks,
    pub(super) folder: RunFolder,
    pub(super) train: Arc<Dataset>,
    pub(super) val: Option<Arc<Dataset>>,
    pub(super) evaluation: Option<PeriodicalMaps>,
    pub(super) validation: Option<ValidationMaps>,
    pub(super) inputs: TrainedOn,
    pub(super) resumed: Option<(PathBuf, State)>,
    pub(super) weights: Option<PathBuf>,
    pub(super) encoder: Option<PathBuf>,
    pub(super) best: Option<Best>,
    /// What stays for the first epochs.
    pub(super) frozen: Option<Frozen>,
    pub(super) notes: Vec<String>,
    pub(super) memory_limit: Option<u64>,
    /// Whether `last` is to hold the state that the run begins with before its first epoch.
    pub(super) saves_first: bool,
}

impl<'a> Training<'a> {
    /// Checks everything that can be checked without a device, and takes hold of `path_checkpoints`.
    ///
    /// # Errors
    /// [`Error::Config`] and [`Error::Input`] for keys and files, also damaged checkpoints; [`Error::Usage`] where a fresh start would mix
    /// with an earlier run, or a checkpoint belongs to another configuration or, unless accepted, other data; [`Error::Output`] where the
    /// folder cannot be used or another process holds it.
    pub fn prepare(config: &'a Config, start: &Start, changed: ChangedData) -> Result<Training<'a>> {
        Training::prepare_shared(config, start, changed, &Ranks::alone())
    }

    /// As [`Training::prepare`], of a run that ranks share: the first one alone takes hold of the folder and writes.
    ///
    /// # Errors
    /// Those of [`Training::prepare`], also for an `accumulate_steps` that the ranks cannot share; that another rank has failed.
    pub fn prepare_shared(config: &'a Config, start: &Start, changed: ChangedData, ranks: &Ranks) -> Result<Training<'a>> {
        // The others look at the folder once it is in order.
        let of_first = ranks.agree(if ranks.leads() { Self::check(config, start, changed, ranks).map(Some) } else { Ok(None) })?;
        ranks.agree(of_first.map_or_else(|| Self::check(config, start, changed, ranks), Ok))
    }

    fn check(config: &'a Config, start: &Start, changed: ChangedData, ranks: &Ranks) -> Result<Training<'a>> {
        config.require_model_key()?;
        if config.starting_epoch == 0 || config.starting_epoch > config.epochs {
            let message = format!("is {}, but must be from 1 to epochs ({})", config.starting_epoch, config.epochs);
            return Err(config.key_error("starting_epoch", message));
        }
        (models::network(config)?.check_training)(config)?;
        share::check(config, ranks.position().ranks)?;
        let path = config.require_path("path_checkpoints")?;
        let train = Arc::new(Dataset::open(config, config.learned_split().parse()?)?);
        models::check_tile(config, crop_size(config, &train, &mut |_| {}))?;
        let val = config.split_csv.contains_key("val").then(|| Dataset::open(config, Split::Val).map(Arc::new)).transpose()?;
        let mut notes = Vec::new();
        if !config.is_pretraining() {
            for dataset in [Some(&train), val.as_ref()].into_iter().flatten() {
                require_known_classes(config, dataset)?;
                require_valid_pixels(config, dataset)?;
            }
            notes.extend(out_of_range(config, &train)?);
        }
        let evaluation = PeriodicalMaps::open(config)?;
        let validation = ValidationMaps::open(config, val.as_ref())?;
        let datasets = [Some(train.as_ref()), val.as_deref(), evaluation.as_ref().map(PeriodicalMaps::dataset)];
        let inputs = TrainedOn::of(config, &datasets.into_iter().flatten().collect::<Vec<_>>())?;
        let folder = if ranks.leads() { RunFolder::open(path)? } else { RunFolder::held_elsewhere(path) };
        let mut training = Training {
            config,
            ranks: ranks.clone(),
            folder,
            train,
            val,
            evaluation,
            validation,
            inputs,
            resumed: None,
            weights: None,
            encoder: None,
            best: None,
            frozen: None,
            notes,
            memory_limit: None,
            saves_first: true,
        };
        training.notes.extend(training.folder.note().map(str::to_owned));
        if config.periodical_evaluation && training.evaluation.is_none() {
            training.notes.push("periodical_evaluation needs path_eval and path_eval_split_csv: no maps are drawn during training".into());
        }
        // What is there of a start that learned nothing is no past of this run.
        training.folder.rotation = Rotation::DropBoth;
        match start {
            Start::Fresh => training.refuse_earlier_run()?,
            Start::Weights(path) => {
                training.refuse_earlier_run()?;
                training.weights = Some(intact_weight_file(path)?);
            }
            Start::Newest => match resume::newest(&training.folder)? {
                Some(found) => {
                    // Not even a damaged checkpoint is replaced before the next epoch is done.
                    training.saves_first = false;
                    training.resume(found, changed)?;
                }
                None => {
                    training.refuse_earlier_run()?;
                    training.notes.push(format!("no checkpoint in {} yet: starting from the beginning", path.display()));
                }
            },
            Start::Checkpoint(checkpoint) => {
                // First, so that one that is not there is said to be missing.
                let found = resume::named(&training.folder, checkpoint)?;
                if !is_inside(checkpoint, path) {
                    training.refuse_earlier_run()?;
                }
                training.saves_first = !is_inside(checkpoint, &training.folder.join(LAST));
                training.resume(found, changed)?;
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

    fn resume(&mut self, found: Found, changed: ChangedData) -> Result<()> {
        let Found { checkpoint, state, .. } = &found;
        state.refuse_other_config(checkpoint, self.config)?;
        if let Some(difference) = TrainedOn::read(checkpoint)?.and_then(|then| then.difference(&self.inputs)) {
            if changed == ChangedData::Refuse {
                return Err(Error::Usage(format!(
                    "{}: the data are not those that this run was trained on: {difference}. Put them back, start a new run with another \
                     path_checkpoints, or go on with what is there now (--accept-changed-data)",
                    checkpoint.display()
                )));
            }
            self.notes.push(format!("going on although the data changed: {difference}"));
            self.saves_first = true;
        }
        let (name, epoch) = (checkpoint.display(), state.epoch);
        self.notes.extend(found.damaged.iter().cloned());
        let fallback = if found.damaged.is_empty() { "" } else { ", the newest that is intact" };
        self.notes.push(match state.step {
            0 => format!("resuming at {name}{fallback}, at the beginning of epoch {}", epoch + 1),
            _ => format!("resuming at {name}{fallback}, after epoch {epoch} of {}", self.config.epochs),
        });
        if !state.is_guarded() {
            self.notes.push(format!("{name} is of a version without digests: nothing guards it, nor its data, against damage or change"));
        }
        if self.ranks.leads() {
            self.best = resume::find_best(&self.folder, &found, self.criterion(), &mut self.notes)?;
        }
        self.folder.rotation = found.rotation;
        self.resumed = Some((found.checkpoint, found.state));
        Ok(())
    }

    /// What chooses the best weights.
    pub(super) fn criterion(&self) -> Criterion {
        match (self.config.best_by, &self.val) {
            (BestBy::Iou, _) => Criterion::ValIou,
            (BestBy::Mde, _) => Criterion::ValMde,
            (BestBy::Loss, Some(_)) => Criterion::ValLoss,
            (BestBy::Loss, None) => Criterion::TrainLoss,
        }
    }
}

/// Whether a checkpoint lies in the folder of the run.
fn is_inside(checkpoint: &Path, folder: &Path) -> bool {
    match (checkpoint.canonicalize(), folder.canonicalize()) {
        (Ok(checkpoint), Ok(folder)) => checkpoint.starts_with(folder),
        _ => false,
    }
}
