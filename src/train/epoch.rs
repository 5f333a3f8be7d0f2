//! The two passes of a session over the data: an epoch of training, and one of validation; and both without data, for their memory.
//!
//! Ranks share the micro-batches of every step and the batches of a validation ([`super::share`]), and meet after each step and at the end
//! of a validation ([`super::exchange`]).

use super::crops::batches_by_step;
use super::exchange::Exchange;
use super::losses::{Arrived, Losses};
use super::session::{EpochOfTraining, Session, Watcher};
use super::step::Step;
use super::tree::rehearsal;
use crate::autograd::Tape;
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::loader::Batch;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::models::Model;
use crate::nn::Mode;
use crate::optim::LossScale;
use crate::random::Purpose;
use crate::ranks::Ranks;
use crate::tensor::Tensor;

impl Session<'_> {
    /// The ranks of a step of so many micro-batches.
    fn exchange(&self, all: usize) -> Exchange<'_> {
        Exchange { ranks: &self.ranks, at_work: self.share.at_work(all) }
    }

    /// Trains on every day once.
    pub(super) fn train_epoch(&mut self, epoch: usize, watcher: &mut Watcher) -> Result<EpochOfTraining> {
        let found = self.find_classes(watcher);
        let mut loader = self.ranks.agree(found.and_then(|()| self.loader(&self.train, epoch, Purpose::Train)))?;
        let rho = self.config.sharpness_aware;
        let (steps, first_step) = (batches_by_step(self.config, self.train_size()), self.step);
        let mut losses = Losses::new();
        let mut rate = self.schedule.learning_rate();
        for (index, sizes) in steps.iter().enumerate() {
            let mut step = new_step(self.model.as_ref(), self.config, self.loss_scale.as_ref(), &self.ranks);
            // As published, a step that lacks batches at the end of an epoch is the smaller for it.
            let all: usize = match self.config.reference_windows {
                true => self.config.batch_size * self.config.accumulate_steps,
                false => sizes.iter().sum(),
            };
            let mut again = Vec::new();
            let own = self.share.of_step(sizes.len());
            let before = losses.count() + own.start;
            let worked = own.zip(&mut loader).try_for_each(|(part, batch)| {
                watcher.refuse_to_go_on()?;
                let mut batch = batch?;
                self.locations[0].write(&mut batch)?;
                self.unknown_region.iter().for_each(|unknown| unknown.forget(epoch, &mut batch));
                self.pretext.iter().for_each(|pretext| pretext.hide(epoch, &mut batch));
                let draw = self.step * self.config.accumulate_steps as u64 + part as u64;
                let share = sizes[part] as f32 / all as f32;
                let (loss, valid) = self.with_batch(&batch, |inputs, loss| step.add(draw, share, inputs, loss))?;
                if losses.push(loss, day_names(self.train.dataset(), &batch), valid) && self.ranks.are_one() {
                    report(&mut losses, epoch, watcher)?;
                }
                if rho > 0.0 {
                    again.push((draw, share, batch));
                }
                Ok(())
            });
            if self.ranks.are_one() {
                worked?;
            } else {
                let read = worked.and_then(|()| losses.read(before).map_err(|error| of_epoch(error, epoch, "training")));
                let arrived = step.meet(self.preprocessor.gpu(), self.exchange(sizes.len()), read)?;
                let crops = losses.add(arrived);
                tell(&losses, crops, epoch, watcher);
            }
            if rho > 0.0 {
                step = step.ascended(rho)?;
                let worked = again.into_iter().try_for_each(|(draw, share, batch)| {
                    self.with_batch(&batch, |inputs, loss| step.add(draw, share, inputs, loss)).map(drop)
                });
                step.meet_again(self.preprocessor.gpu(), self.exchange(sizes.len()), worked)?;
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
        self.ranks.agree(watcher.refuse_to_go_on())?;
        let waited = loader.waited();
        Ok(EpochOfTraining { loss: losses.mean(), losses: losses.into_values(), first_step, learning_rate: rate, waited })
    }

    /// The mean loss over the batches of the val split, on crops of this epoch; `None` without one, or without a valid pixel in its crops.
    pub(super) fn validate_epoch(&self, epoch: usize, watcher: &mut Watcher) -> Result<Option<f64>> {
        let Some(val) = &self.val else { return Ok(None) };
        let mut losses = Losses::new();
        let worked = self.push_val_losses(val.dataset(), epoch, &mut losses, watcher);
        if self.ranks.are_one() {
            worked?;
            (watcher.observe)(Event::Done(losses.collect().map_err(|error| of_epoch(error, epoch, "validation"))?));
            return Ok(losses.mean());
        }
        // Of each unknown-region crop there are two losses.
        let batches = self.counts[1].div_ceil(self.config.batch_size);
        let before = self.share.of_validation(batches).start * if self.unknown_region.is_some() { 2 } else { 1 };
        let own = worked.and_then(|()| losses.read(before).map_err(|error| of_epoch(error, epoch, "validation")));
        let told = own.map(|own| own.iter().flat_map(Arrived::bytes).collect());
        let all = self.ranks.exchange(told)?.concat();
        let crops = losses.add(Arrived::all(&all));
        (watcher.observe)(Event::Done(crops));
        Ok(losses.mean())
    }

    /// Goes through this rank's batches of the val split; their losses are pending, or collected where nobody else has some.
    fn push_val_losses(&self, val: &Dataset, epoch: usize, losses: &mut Losses, watcher: &mut Watcher) -> Result<()> {
        let Some(framed) = &self.val else { return Ok(()) };
        for batch in self.loader(framed, epoch, Purpose::Validate)? {
            watcher.refuse_to_go_on()?;
            let mut batch = batch?;
            self.locations[1].write(&mut batch)?;
            self.pretext.iter().for_each(|pretext| pretext.hide(epoch, &mut batch));
            let mut is_due = self.push_val_loss(&batch, val, losses)?;
            if let Some(unknown_region) = &self.unknown_region {
                unknown_region.forget_all(&mut batch);
                is_due |= self.push_val_loss(&batch, val, losses)?;
            }
            if is_due && self.ranks.are_one() {
                (watcher.observe)(Event::Done(losses.collect().map_err(|error| of_epoch(error, epoch, "validation"))?));
            }
        }
        Ok(())
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
            let own = &sizes[self.share.of_step(sizes.len())];
            let rehearse = |step: &mut Step| {
                rehearsal(own.len()).into_iter().try_for_each(|(leaves, batch)| {
                    let batch = self.empty_batch(own[batch]);
                    self.with_batch(&batch, |inputs, loss| step.add_for(leaves, inputs, loss)).map(drop)
                })
            };
            let (gpu, exchange) = (self.preprocessor.gpu(), self.exchange(sizes.len()));
            let mut step = new_step(self.model.as_ref(), self.config, self.loss_scale.as_ref(), &self.ranks);
            rehearse(&mut step)?;
            step.meet(gpu, exchange, Ok(Vec::new()))?;
            if self.config.sharpness_aware > 0.0 {
                step = step.ascended(self.config.sharpness_aware)?;
                rehearse(&mut step)?;
                step.meet_again(gpu, exchange, Ok(()))?;
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
}

fn new_step<'m>(model: &'m dyn Model, config: &Config, scale: Option<&LossScale>, ranks: &Ranks) -> Step<'m> {
    let step = Step::new(model, config.recompute).scaled(scale);
    if ranks.are_one() { step } else { step.shared() }
}

/// Reads the losses back and tells the watcher.
fn report(losses: &mut Losses, epoch: usize, watcher: &mut Watcher) -> Result<()> {
    let arrived = losses.collect().map_err(|error| of_epoch(error, epoch, "training"))?;
    tell(losses, arrived, epoch, watcher);
    Ok(())
}

fn tell(losses: &Losses, crops: usize, epoch: usize, watcher: &mut Watcher) {
    let loss = losses.mean().map_or_else(|| "none yet".into(), |mean| format!("{mean:.5}"));
    (watcher.observe)(Event::Message(format!("epoch {epoch}  loss {loss}")));
    (watcher.observe)(Event::Done(crops));
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
