//! The run: epoch after epoch, and what is written after each.

use std::path::Path;
use std::time::Instant;

use super::checkpoint::{self, Best, State};
use super::epoch::of_epoch;
use super::folder::{BEST_FILE, LAST};
use super::freeze;
use super::journal::Journal;
use super::log::{Entry, Header, Watched};
use super::memory::{Limit, Memory, mebibytes};
use super::periodical_maps::PeriodicalMaps;
use super::replica::{Replica, require_alike, require_same_weights};
use super::session::{Session, Watcher};
use super::valid::never_valid;
use super::{Summary, Training};
use crate::config::{BestBy, Freeze};
use crate::domains::Unit;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::{DeviceKind, Gpu, MemoryUse};
use crate::nn::state_dict;
use crate::weights::encoder::load_encoder;
use crate::weights::guard::FileMark;
use crate::weights::transfer::{self, Taken};

/// Share of the training's time from which on waiting for data is spoken of.
const WORTH_SAYING: f64 = 0.05;

impl<'a> Training<'a> {
    /// Trains to the last epoch.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] before anything is made where the device has too little memory;
    /// [`Error::NotFinite`] naming the epoch, the batch and its days, [`Error::Interrupted`] after a signal (both leave the checkpoint of
    /// the last finished epoch); those of reading, of the device, and of writing.
    pub fn run(mut self, gpu: &Gpu, watcher: &mut Watcher) -> Result<Summary> {
        std::mem::take(&mut self.notes).into_iter().for_each(|note| watcher.note(note));
        let ranks = self.ranks.clone();
        let memory = Memory { gpu, train: &self.train, val: self.val.as_ref(), ranks: &ranks };
        // Ranks of one computer share its memory.
        let sharing = if gpu.capabilities().kind == DeviceKind::Gpu { 1 } else { ranks.position().locals as u64 };
        let limit = self.memory_limit.or_else(|| gpu.memory_size().map(|bytes| bytes / sharing));
        let needs = ranks.agree(memory.require(self.config, Limit { bytes: limit, of_device: self.memory_limit.is_some() }))?;
        gpu.set_reuse(needs.reuse);
        let (mut session, mut done) = ranks.agree(self.begin(gpu, watcher))?;
        freeze::for_epoch(self.frozen.as_ref(), done + 1, session.model.parameters());
        self.introduce(gpu, &session, watcher);
        freeze::note(self.config, self.frozen.as_ref(), session.model.parameters()).into_iter().for_each(|note| watcher.note(note));
        watcher.note(self.memory_note(needs.memory, limit));
        let resumed = self.resumed.as_ref().map(|_| (done, session.step));
        require_alike(&ranks, || {
            let weights =
                checkpoint::encode_weights(&self.folder.join(LAST), &state_dict::to_host(session.model.parameters())?, self.config)?;
            Ok(Replica::of(self.config, gpu, &self.inputs.encode(&self.folder.join(""))?, session.step, &weights))
        })?;
        let mut journal = match ranks.leads() {
            true => Some(Journal::start(self.config, &self.folder, &self.header(gpu, &session), resumed, watcher)?),
            false => None,
        };
        let summary = |training: &Self, from: usize, to: usize| Summary {
            best: training.best,
            best_weights: training.folder.join(BEST_FILE),
            epochs: to.saturating_sub(from),
        };
        let first = done;
        if let (Some((checkpoint, _)), Some(evaluation)) = (&self.resumed, self.evaluation_due(done)) {
            // The run may have ended between the checkpoint and its maps.
            let missing = evaluation.missing(done, checkpoint);
            if !missing.is_empty() && ranks.leads() {
                watcher.note(format!("drawing {} map(s) of epoch {done} that are missing", missing.len()));
                let drawn = evaluation.write_maps(gpu, self.config, session.model.as_ref(), done, &missing, watcher);
                drawn.map_err(|error| self.explain(error, done, true, watcher))?;
            }
        }
        if done >= self.config.epochs {
            watcher.note(format!("all {} epochs are done; set a larger `epochs` to go on", self.config.epochs));
            return Ok(summary(&self, first, done));
        }
        if let Some(message) = self.stalled(done)? {
            watcher.note(format!("{message}; set a larger `early_stopping`, or 0, to go on"));
            return Ok(summary(&self, first, done));
        }
        if self.saves_first && ranks.leads() {
            // So that a stop within the first epoch, too, leaves something to resume, `--weights` included.
            let weights = checkpoint::finite_weights(session.model.parameters()).map_err(|error| match (error, &self.weights) {
                (Error::NotFinite(message), Some(path)) => Error::Weights { path: path.clone(), message: format!("{message}; use others") },
                (error, _) => error,
            })?;
            let model = checkpoint::encode_weights(&self.folder.join(LAST), &weights, self.config)?;
            self.save(gpu, &session, &model, done, None, false)?;
        }
        if let (Some(val), Some(journal)) = (self.val.as_ref().filter(|_| session.pretext.is_none()), &mut journal) {
            journal.look_at(gpu, self.config, val, session.crop(), watcher)?;
        }
        let crops = (self.config.epochs - done) * (session.train_size().0 + session.val_size());
        (watcher.observe)(Event::Start { label: "train", total: crops, unit: "crops" });
        // A run that goes on has learned something before.
        let mut learned = self.resumed.as_ref().is_some_and(|(_, state)| state.step > 0);
        while done < self.config.epochs {
            let changed = freeze::for_epoch(self.frozen.as_ref(), done + 1, session.model.parameters());
            changed.into_iter().for_each(|note| watcher.note(note));
            let epoch = self.epoch(gpu, &mut session, done + 1, journal.as_mut(), watcher);
            learned |= epoch.map_err(|error| self.explain(error, done, false, watcher))?;
            done += 1;
            if let Some(evaluation) = self.evaluation_due(done).filter(|_| ranks.leads()) {
                let drawn = evaluation.write_maps(gpu, self.config, session.model.as_ref(), done, &evaluation.all(), watcher);
                drawn.map_err(|error| self.explain(error, done, true, watcher))?;
            }
            if let Some(message) = self.stalled(done)?.filter(|_| done < self.config.epochs) {
                watcher.note(message);
                break;
            }
        }
        self.folder.require_in_place()?;
        ranks.agree(if learned { Ok(()) } else { Err(never_valid(self.config, &self.train, done - first)) })?;
        match (&self.val, &self.best) {
            (Some(val), None) if ranks.leads() => Err(never_valid(self.config, val, done - first)),
            _ => Ok(summary(&self, first, done)),
        }
    }

    /// The state that the run begins with, and the epochs that are done.
    fn begin(&mut self, gpu: &Gpu, watcher: &mut Watcher) -> Result<(Session<'a>, usize)> {
        let mut session = Session::new(gpu, self.config, self.train.clone(), self.val.clone(), &self.ranks, watcher)?;
        let mut done = self.config.starting_epoch - 1;
        let parameters = session.model.parameters();
        let mut taken = Taken::default();
        if let Some(file) = &self.weights {
            taken = transfer::load(parameters, self.config, file)?;
        }
        if let Some(file) = &self.encoder {
            taken = load_encoder(parameters, file)?;
        }
        if self.resumed.is_none() && taken.names.is_empty() && matches!(self.config.freeze, Some(Freeze::Names(_))) {
            taken.notes.push("freeze: nothing was loaded, so that values drawn from the seed are what stays".into());
        }
        taken.notes.into_iter().for_each(|note| watcher.note(note));
        self.frozen = match &self.resumed {
            Some((_, state)) => state.frozen.clone(),
            None => freeze::of_epochs(self.config, &taken.names, parameters)?,
        };
        if let Some((checkpoint, state)) = &self.resumed {
            let taken = state.step - state.loss_scale.map_or(0, |scale| scale.skipped()).min(state.step);
            checkpoint::load(checkpoint, gpu, session.model.parameters(), &mut session.optimizer, taken)?;
            if !state.schedule.is_course_of(&session.schedule) {
                watcher.note(
                    "the learning rate keeps the course of the checkpoint: `epochs` or the crops of an epoch are others now, and with them \
                     the one that a new run would take",
                );
            }
            (session.schedule, session.step, done) = (state.schedule.clone(), state.step, state.epoch);
            session.loss_scale = session.loss_scale.map(|first| state.loss_scale.unwrap_or(first));
            let now = gpu.capabilities().identity();
            if let Some(before) = state.device.as_ref().filter(|before| **before != now) {
                watcher.note(format!(
                    "the checkpoint is of the device {before}; on {now} the run goes on with other rounding, not to the same bits"
                ));
            }
        }
        Ok((session, done))
    }

    /// Why the run ends after an epoch: so many have passed since the best one, which the first rank knows.
    fn stalled(&self, done: usize) -> Result<Option<String>> {
        let patience = self.config.early_stopping;
        if patience == 0 {
            return Ok(None);
        }
        let since = |best: Best| (best.epoch, done.saturating_sub(best.epoch));
        let message = self.best.map(since).filter(|(_, since)| *since >= patience).map(|(best, since)| {
            format!("no epoch was better than epoch {best} for {since}, so that the run ends after epoch {done} (early_stopping)")
        });
        let mut all = self.ranks.exchange(Ok(message.unwrap_or_default().into_bytes()))?;
        Ok(String::from_utf8(all.swap_remove(0)).ok().filter(|message| !message.is_empty()))
    }

    /// The maps of an epoch, where they are due.
    fn evaluation_due(&self, epoch: usize) -> Option<&PeriodicalMaps> {
        let is_due = epoch >= self.config.starting_epoch && self.is_due(epoch, self.config.epochs_between_periodical_evaluation);
        self.evaluation.as_ref().filter(|_| is_due)
    }

    /// One epoch: training, validation, and everything that is written after it but maps. Says whether any pixel that it trained on is
    /// valid.
    fn epoch(
        &mut self,
        gpu: &Gpu,
        session: &mut Session,
        epoch: usize,
        journal: Option<&mut Journal>,
        watcher: &mut Watcher,
    ) -> Result<bool> {
        let started = Instant::now();
        let skipped_before = session.loss_scale.map_or(0, |scale| scale.skipped());
        let pass = session.train_epoch(epoch, watcher)?;
        let train_seconds = started.elapsed().as_secs_f64();
        let val_loss = session.validate_epoch(epoch, watcher)?;
        let due = self.validation.as_ref().filter(|_| journal.is_some() && self.is_due(epoch, self.config.epochs_between_validation_maps));
        let maps = due.map(|maps| maps.look(gpu, session.model.as_ref(), watcher)).transpose()?;
        let seconds = started.elapsed().as_secs_f64();
        // What the epoch is judged by; nothing where no pixel is valid.
        let loss = if self.val.is_some() { val_loss } else { pass.loss };
        if let Some(loss) = loss {
            session.schedule.observe(loss);
        }

        let weights = checkpoint::finite_weights(session.model.parameters()).map_err(|error| of_epoch(error, epoch, "after training"))?;
        let model = checkpoint::encode_weights(&self.folder.join(LAST), &weights, self.config)?;
        require_same_weights(&self.ranks, epoch, &model)?;
        // All else is the first rank's.
        let Some(journal) = journal else { return Ok(pass.loss.is_some()) };
        let judged =
            if self.config.best_by == BestBy::Loss { loss } else { maps.as_ref().and_then(|maps| maps.judged(self.config.best_by)) };
        let better = judged.filter(|loss| self.best.is_none_or(|best| *loss < best.loss));
        if let Some(loss) = better {
            self.best = Some(Best { epoch, loss, criterion: self.criterion(), file: Some(FileMark::of(&model)) });
        }
        self.folder.require_in_place()?;
        let crops_per_s = session.train_size().0 as f64 / train_seconds.max(1e-9);
        let entry = Entry {
            epoch,
            step: session.step,
            train_loss: pass.loss,
            val_loss,
            learning_rate: pass.learning_rate,
            seconds,
            crops_per_s,
            wait_share: pass.waited.as_secs_f64() / train_seconds.max(1e-9),
            device_bytes: gpu.memory().peak,
            loss_scale: session.loss_scale.map(|scale| scale.factor()),
            skipped_steps: session.loss_scale.map(|scale| scale.skipped() - skipped_before),
            scene: Watched(session.watched().iter().map(|name| ((*name).to_owned(), None)).collect()),
        };
        let pictures = self.is_due(epoch, self.config.epochs_between_periodical_evaluation);
        let of_maps = maps.map(|maps| maps.named).unwrap_or_default();
        let entry = journal.append(entry, of_maps, &pass, train_seconds, session.model.as_ref(), pictures)?;
        watcher.note(line(&entry, self.config.epochs, self.val.is_some(), better.is_some()));
        let keep = self.is_due(epoch, self.config.epochs_between_checkpoint_save).then_some(epoch);
        self.save(gpu, session, &model, epoch, keep, better.is_some())?;
        Ok(pass.loss.is_some())
    }

    /// Whether something that is done every `interval` epochs is due: at the first one, every so many later, and at the last.
    fn is_due(&self, epoch: usize, interval: usize) -> bool {
        epoch == self.config.epochs || epoch.saturating_sub(self.config.starting_epoch).is_multiple_of(interval.max(1))
    }

    /// Replaces `last` by the state after `epoch`, whose weight file is `model`, and the best weights by these where they are `better`.
    fn save(&mut self, gpu: &Gpu, session: &Session, model: &[u8], epoch: usize, keep: Option<usize>, better: bool) -> Result<()> {
        let device = gpu.capabilities().identity();
        let mut state = State::new(self.config, device, epoch, session.step, session.schedule.clone(), self.best);
        (state.frozen, state.loss_scale) = (self.frozen.clone(), session.loss_scale);
        let inputs = &self.inputs;
        let write = |to: &Path| checkpoint::write(to, model, &session.optimizer, inputs, &mut state);
        self.folder.save(keep, better.then_some(model), write)
    }

    /// Says after a stop which state is on disk; `drawing`: while the maps of epoch `done` were drawn.
    fn explain(&self, error: Error, done: usize, drawing: bool, watcher: &mut Watcher) -> Error {
        let last = self.folder.join(LAST);
        match error {
            Error::Interrupted(_) => {
                let what = if done < self.config.starting_epoch { "the beginning".into() } else { format!("the end of epoch {done}") };
                let at = if drawing { format!("while the maps of epoch {done} were drawn") } else { format!("in epoch {}", done + 1) };
                let first = if drawing { ", and draws the missing ones first" } else { "" };
                watcher.note(format!("stopped {at}; --resume auto goes on from {what} ({}){first}", last.display()));
                error
            }
            Error::NotFinite(message) => Error::NotFinite(format!(
                "{message}; training stopped, and {} still holds epoch {done}. Check the rasters of these days and the mean_ and std_ keys, or \
                 lower learning_rate",
                last.display()
            )),
            // Without the folder nothing can be written in it; that is the error, and not which file was the first.
            Error::Output { .. } => self.folder.require_in_place().err().unwrap_or(error),
            // Maps come with the remedy of prediction.
            other if drawing => other,
            other => other.with_remedy("use a smaller batch_size or img_size"),
        }
    }

    fn header(&self, gpu: &Gpu, session: &Session) -> Header {
        Header {
            meltcore: env!("CARGO_PKG_VERSION"),
            device: gpu.capabilities().name.clone(),
            parameters: session.model.parameters().count(),
            train_days: self.train.days().len(),
            val_days: self.val.as_ref().map_or(0, |val| val.days().len()),
            config: self.config.to_json(),
        }
    }

    /// What the run takes of what there is.
    fn memory_note(&self, needed: MemoryUse, limit: Option<u64>) -> String {
        let has = match (limit, self.memory_limit) {
            (Some(bytes), None) => format!("the device has {}", mebibytes(bytes)),
            (Some(bytes), Some(_)) => format!("--memory allows {}", mebibytes(bytes)),
            (None, _) => "how much the device has is not known (--memory GIB sets a limit)".into(),
        };
        format!("memory: {} predicted, {} of it in use at once; {has}", mebibytes(needed.allocated), mebibytes(needed.peak))
    }

    /// Says what is about to be trained on what.
    fn introduce(&self, gpu: &Gpu, session: &Session, watcher: &mut Watcher) {
        let header = self.header(gpu, session);
        let (crops, batches) = session.train_size();
        let steps = if self.config.accumulate_steps > 1 { format!(", {} steps", session.steps()) } else { String::new() };
        watcher.note(format!("device: {}", header.device));
        let size = match (self.train.domain().unit, self.train.scene(0)) {
            (Unit::Day, [rows, cols]) => format!("{rows} x {cols} pixels"),
            (Unit::Scene, _) => "their own sizes".to_owned(),
        };
        let unit = self.train.domain().unit.plural();
        let [height, width] = session.crop();
        let split = if self.val.is_some() { format!("{} val {unit}", header.val_days) } else { "no val split".to_owned() };
        watcher.note(format!(
            "model: {} parameters, {} input channels; data: {} train and {split} of {size}; an epoch: {crops} crops of {height} \
             x {width} in {batches} batches{steps}",
            header.parameters,
            self.train.in_channels(),
            header.train_days,
        ));
        if self.val.is_none() {
            watcher.note(format!("without path_val_split_csv the training loss chooses {BEST_FILE} and drives the schedule"));
        }
    }
}

/// An epoch in one line.
fn line(entry: &Entry, epochs: usize, has_val: bool, better: bool) -> String {
    let Entry { epoch, train_loss, val_loss, learning_rate, seconds, crops_per_s, wait_share, skipped_steps, .. } = entry;
    let shown =
        |loss: &Option<f64>, split| loss.map_or_else(|| format!("none (no valid pixel in the {split} split)"), |x| format!("{x:.5}"));
    let val = if has_val { format!("  val {}", shown(val_loss, "val")) } else { String::new() };
    let train = shown(train_loss, "train");
    let maps = entry.of_maps();
    let skipped = skipped_steps.filter(|steps| *steps > 0).map_or_else(String::new, |steps| format!("  {steps} steps skipped"));
    let best = if better { "  best so far" } else { "" };
    let waited = if *wait_share >= WORTH_SAYING { format!(", {:.0} % of it waiting for data", 100.0 * wait_share) } else { String::new() };
    format!(
        "epoch {epoch}/{epochs}  train {train}{val}  rate {learning_rate:.3e}  {seconds:.1} s, {crops_per_s:.1} crops/s{waited}{skipped}{maps}{best}"
    )
}
