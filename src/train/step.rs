//! One training step: forward, loss, backward (for each micro-batch), clipped update.

use super::exchange::{Exchange, Passes};
use super::losses::Arrived;
use super::tree::Tree;
use crate::autograd::{Gradients, Tape};
use crate::config::{Config, Precision};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::{Inputs, Model, Outputs};
use crate::nn::Mode;
use crate::ops::{self, LossKind, Reduction};
use crate::optim::{Ascent, LossScale, Optimizer, OptimizerSettings, Schedule, SchedulerKind};
use crate::tensor::Tensor;

/// The optimizer that a configuration asks for.
pub fn optimizer(config: &Config) -> Optimizer {
    let mut settings = OptimizerSettings::new(config.optimizer, config.learning_rate);
    settings.coefficients.weight_decay = config.weight_decay;
    (settings.coefficients.eps, settings.coefficients.eps_mode) = (config.eps, config.eps_mode);
    settings.max_norm = Some(config.gradient_clipping);
    if let Some(momentum) = config.momentum {
        settings.coefficients.momentum = momentum;
    }
    Optimizer::new(settings)
}

/// The schedule that a configuration asks for, at its start, where an epoch has so many updates.
pub fn schedule(config: &Config, updates: usize) -> Schedule {
    let (rate, eta_min) = (config.learning_rate, config.eta_min);
    let at = |epochs: usize| epochs as u64 * updates as u64;
    let mut schedule = match config.lr_scheduler {
        SchedulerKind::Constant => Schedule::Constant { learning_rate: rate },
        SchedulerKind::ReduceLROnPlateau => Schedule::plateau(rate, config.lr_patience, config.lr_factor),
        SchedulerKind::CosineAnnealingWarmRestarts => Schedule::cosine(rate, config.t_0, config.t_mult, eta_min),
        SchedulerKind::CosineRestartsAt => {
            Schedule::restarts_at(rate, config.restarts_at.iter().flatten().map(|&epochs| at(epochs)).collect())
        }
        SchedulerKind::WarmupCosine => Schedule::warmup(rate, at(config.warmup_epochs), at(config.epochs), eta_min),
    };
    schedule.advance_to_update(at(config.starting_epoch.saturating_sub(1)));
    schedule
}

/// The loss scale that a configuration asks for, at its start.
pub fn loss_scale(config: &Config) -> Option<LossScale> {
    (config.precision == Precision::Mixed).then(LossScale::default)
}

/// A step in the making: the gradient of the mean loss over the micro-batches added so far, each scaled by its share.
///
/// Each micro-batch has gradients of its own. Their sum is a binary tree that their number fixes (neighbours in pairs, an odd one moves
/// up), so that its bits do not depend on who computes which. Batch norm takes each micro-batch's own statistics, and updates the running
/// ones once for each in their order, as in PyTorch.
pub struct Step<'a> {
    model: &'a dyn Model,
    recompute: bool,
    /// What every loss is multiplied by before its backward pass.
    loss_scale: f32,
    gradients: Tree<Gradients>,
    /// Where the weights are uphill, what they were.
    ascent: Option<Ascent>,
    /// Of a step that ranks share what its passes leave behind, and which parameters they reach.
    shared: Option<(Passes, Vec<bool>)>,
}

impl<'a> Step<'a> {
    /// A step without micro-batches; `recompute` trades time for memory and changes no bit ([`Tape::recomputing`]).
    pub fn new(model: &'a dyn Model, recompute: bool) -> Self {
        Step { model, recompute, loss_scale: 1.0, gradients: Tree::default(), ascent: None, shared: None }
    }

    /// The same step of losses times a factor, for [`Step::finish_scaled`]; of losses as they are without one.
    pub fn scaled(self, scale: Option<&LossScale>) -> Self {
        Step { loss_scale: scale.map_or(1.0, LossScale::factor), ..self }
    }

    /// The same step where ranks share its micro-batches: running statistics move once they have [met](Step::meet).
    pub(super) fn shared(self) -> Self {
        Step { shared: Some((Passes::new(self.model.parameters()), Vec::new())), ..self }
    }

    /// Adds up what all ranks have of this step; `own` are the losses of this one's micro-batches, or what kept it from them. Gives the
    /// losses of all micro-batches in order.
    ///
    /// # Errors
    /// `own`; that another rank has failed; those of the device.
    pub(super) fn meet(&mut self, gpu: &Gpu, exchange: Exchange, own: Result<Vec<Arrived>>) -> Result<Vec<Arrived>> {
        let Some((passes, reached)) = &mut self.shared else { return own };
        let model = self.model.parameters();
        // That it fails is to be told, too.
        let (gradients, own) = match std::mem::take(&mut self.gradients).finish(Gradients::added) {
            Ok(gradients) => (gradients, own),
            Err(error) => (None, Err(error)),
        };
        let met = exchange.meet(gpu, model, passes, gradients.as_ref(), own)?;
        *reached = met.reached;
        let sum = exchange.sum(gpu, model, reached, gradients)?;
        self.gradients.push(sum, Gradients::added)?;
        Ok(met.losses)
    }

    /// Adds up the gradients of all ranks after the second half of a step of sharpness-aware minimisation; `own` says how it went.
    ///
    /// # Errors
    /// As [`Step::meet`].
    pub(super) fn meet_again(&mut self, gpu: &Gpu, exchange: Exchange, own: Result<()>) -> Result<()> {
        let Some((_, reached)) = &self.shared else { return own };
        if !gpu.is_planner() {
            exchange.ranks.agree(own)?;
        }
        let gradients = std::mem::take(&mut self.gradients).finish(Gradients::added)?;
        let sum = exchange.sum(gpu, self.model.parameters(), reached, gradients)?;
        self.gradients.push(sum, Gradients::added)
    }

    /// Adds one micro-batch and returns its own loss, still on the device (shape []). `share` is its part of the virtual batch's images;
    /// `draw` numbers the pass within its run ([`Mode::Train`]).
    ///
    /// # Errors
    /// Shapes that do not fit; out of memory.
    pub fn add(&mut self, draw: u64, share: f32, inputs: &Inputs, loss: &LossOf) -> Result<Tensor> {
        let (loss, gradients) = self.pass(draw, share, inputs, loss)?;
        self.gradients.push(gradients, Gradients::added)?;
        Ok(loss)
    }

    /// Of a step of sharpness-aware minimisation the second half, to which all micro-batches are to be added again: the weights move by
    /// `rho` along the gradient of those added so far, until [`Step::finish`]. Those added again move no running statistics, and with the
    /// same `draw` they drop what they dropped.
    ///
    /// # Errors
    /// Those of [`Ascent::climb`].
    pub fn ascended(self, rho: f64) -> Result<Step<'a>> {
        let gradients = self.gradients.finish(Gradients::added)?.unwrap_or_default();
        let ascent = Ascent::climb(&self.model.parameters().trainable(), &gradients, rho)?;
        Ok(Step { ascent: Some(ascent), loss_scale: self.loss_scale, shared: self.shared, ..Step::new(self.model, self.recompute) })
    }

    /// As [`Step::add`], of one micro-batch that takes the place of `leaves` (a power of two) of them: for rehearsals, in which values do
    /// not matter, but what is alive.
    ///
    /// # Errors
    /// Those of [`Step::add`].
    pub(super) fn add_for(&mut self, leaves: usize, inputs: &Inputs, loss: &LossOf) -> Result<()> {
        let (_, gradients) = self.pass(0, 1.0, inputs, loss)?;
        self.gradients.push_subtree(leaves, gradients, Gradients::added)
    }

    fn pass(&mut self, draw: u64, share: f32, inputs: &Inputs, loss: &LossOf) -> Result<(Tensor, Gradients)> {
        let tape = if self.recompute { Tape::recomputing() } else { Tape::recording() };
        let tape = if self.ascent.is_some() { tape.again() } else { tape };
        self.model.parameters().watch(&tape);
        let outputs = self.model.forward(&tape, inputs, Mode::Train { draw })?;
        let loss = loss(&tape, &outputs)?;
        drop(outputs);
        if let Some((passes, _)) = &mut self.shared {
            passes.updates.extend(tape.take_updates());
        }
        let seed = Tensor::full(loss.gpu(), loss.shape(), share * self.loss_scale)?;
        let gradients = tape.backward(&[(&loss, seed)])?;
        Ok((loss, gradients))
    }

    /// Updates the model once; returns the gradient's norm before clipping (shape []), as [`Optimizer::step`].
    ///
    /// # Errors
    /// Those of [`Optimizer::step`].
    pub fn finish(self, optimizer: &mut Optimizer) -> Result<Option<Tensor>> {
        let (model, gradients) = self.gradients()?;
        optimizer.step(&model.parameters().trainable(), &gradients)
    }

    /// As [`Step::finish`], of a step that is [`Step::scaled`] by this scale: where a gradient is not finite the model stays as it is. The
    /// scale takes note of either.
    ///
    /// # Errors
    /// Those of [`Optimizer::step_where_finite`] and [`LossScale::count`].
    pub fn finish_scaled(self, optimizer: &mut Optimizer, scale: Option<&mut LossScale>) -> Result<()> {
        let Some(scale) = scale else { return self.finish(optimizer).map(drop) };
        let factor = self.loss_scale;
        let (model, gradients) = self.gradients()?;
        scale.count(optimizer.step_where_finite(&model.parameters().trainable(), &gradients, factor)?)
    }

    /// The sum of the gradients, with the weights where they were before an ascent.
    fn gradients(self) -> Result<(&'a dyn Model, Gradients)> {
        let gradients = self.gradients.finish(Gradients::added)?.unwrap_or_default();
        if let Some(ascent) = self.ascent {
            ascent.back()?;
        }
        Ok((self.model, gradients))
    }
}

/// The loss of a network's outputs, shape `[]`.
pub type LossOf<'a> = dyn Fn(&Tape, &Outputs) -> Result<Tensor> + 'a;

/// The masked loss of a network's map.
///
/// # Shapes
/// target and mask (1 = invalid) as the map.
pub fn masked_loss<'a>(kind: LossKind, target: &'a Tensor, mask: &'a Tensor) -> impl Fn(&Tape, &Outputs) -> Result<Tensor> + 'a {
    move |tape, outputs| ops::masked_loss(tape, &outputs.map, target, mask, kind, Reduction::Mean)
}

/// Updates the model from one batch and returns the loss before the update, still on the device (shape []).
/// `draw` numbers the step within its run ([`Mode::Train`]).
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn training_step(model: &dyn Model, optimizer: &mut Optimizer, draw: u64, inputs: &Inputs, loss: &LossOf) -> Result<Tensor> {
    let mut step = Step::new(model, false);
    let loss = step.add(draw, 1.0, inputs, loss)?;
    step.finish(optimizer)?;
    Ok(loss)
}
