//! Optimizers in place on the device, gradient clipping, and learning-rate schedules.
//!
//! Semantics and order of operations are PyTorch's (`torch.optim.Adam`, `AdamW`, `SGD`, `RMSprop`, `clip_grad_norm_`). Each parameter
//! counts its own steps: one without a gradient in a step is left alone, state included. Parameters that share an array are updated
//! together, by one launch for each run of neighbours with equally many steps.

mod clip_grad_norm;
mod loss_scale;
mod packed;
pub mod schedule;
mod sharpness;
mod state;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

pub use crate::kernels::optimizer::{Coefficients, EpsMode};
pub use clip_grad_norm::clip_grad_norm;
pub use loss_scale::LossScale;
pub use schedule::{Schedule, SchedulerKind};
pub use sharpness::Ascent;

use crate::autograd::Gradients;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::clip_grad_norm::{Placed, clip_gathered_grad_norm, gather};
use crate::kernels::{optimizer, optimizer::Decay};
use crate::tensor::Tensor;
use packed::{Arrays, Member};

/// The rule by which parameters are updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam with bias correction.
    Adam,
    /// Adam whose weight decay acts on the parameter instead of the gradient.
    AdamW,
    /// Stochastic gradient descent, momentum optional.
    Sgd,
    /// RMSprop, not centered, alpha 0.99.
    RmsProp,
}

/// Hyperparameters of an optimizer.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerSettings {
    /// How a gradient becomes a step.
    pub kind: OptimizerKind,
    /// The numbers in it, with the learning rate of the first step.
    pub coefficients: Coefficients,
    /// Gradients are scaled so that their common norm does not exceed this; `None`: no clipping.
    pub max_norm: Option<f64>,
}

impl OptimizerSettings {
    /// The reference's fixed values (betas 0.9 and 0.999, eps 1e-8, alpha 0.99, momentum 0.999 for RMSprop and 0 for SGD), no
    /// weight decay and no clipping.
    pub fn new(kind: OptimizerKind, learning_rate: f64) -> Self {
        let momentum = if kind == OptimizerKind::RmsProp { 0.999 } else { 0.0 };
        let (betas, eps_mode) = ([0.9, 0.999], EpsMode::Torch);
        let coefficients = Coefficients { learning_rate, betas, eps: 1e-8, eps_mode, weight_decay: 0.0, momentum, alpha: 0.99 };
        OptimizerSettings { kind, coefficients, max_norm: None }
    }

    /// Names of a parameter's state tensors, as PyTorch's.
    fn state_names(&self) -> &'static [&'static str] {
        match (self.kind, self.coefficients.momentum != 0.0) {
            (OptimizerKind::Adam | OptimizerKind::AdamW, _) => &["exp_avg", "exp_avg_sq"],
            (OptimizerKind::Sgd, true) => &["momentum_buffer"],
            (OptimizerKind::Sgd, false) => &[],
            (OptimizerKind::RmsProp, true) => &["square_avg", "momentum_buffer"],
            (OptimizerKind::RmsProp, false) => &["square_avg"],
        }
    }
}

/// One parameter's state: its number of steps and the tensors of [`OptimizerSettings::state_names`].
struct Slot {
    steps: u64,
    tensors: Vec<Tensor>,
}

/// Two one-element tensors: the scale of unclipped gradients, and what is bound where no velocity is kept.
struct Fillers {
    one: Tensor,
    unused: Tensor,
}

impl Fillers {
    fn new(gpu: &Gpu) -> Result<Self> {
        Ok(Fillers { one: Tensor::full(gpu, [], 1.0)?, unused: Tensor::full(gpu, [], 0.0)? })
    }
}

/// A parameter's name, itself and its gradient.
type Found<'a> = (&'a String, &'a Tensor, &'a Tensor);

/// Parameters that have a gradient.
fn found<'a>(parameters: &'a [(String, Tensor)], gradients: &'a Gradients) -> Vec<Found<'a>> {
    parameters.iter().filter_map(|(name, p)| gradients.get(p).map(|g| (name, p, g))).collect()
}

/// An optimizer with its state.
pub struct Optimizer {
    settings: OptimizerSettings,
    slots: BTreeMap<String, Slot>,
    arrays: Arrays,
    fillers: Option<Fillers>,
}

impl Optimizer {
    /// An optimizer that has not stepped yet.
    pub fn new(settings: OptimizerSettings) -> Self {
        Optimizer { settings, slots: BTreeMap::new(), arrays: Arrays::default(), fillers: None }
    }

    /// The rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.settings.coefficients.learning_rate
    }

    /// Sets the rate of the next step.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.settings.coefficients.learning_rate = learning_rate;
    }

    /// Updates every parameter that has a gradient, in place; nothing is read back. Returns the gradients' norm before clipping
    /// (shape `[]`) where `max_norm` is set and there is a gradient.
    ///
    /// # Errors
    /// A gradient of another shape than its parameter; out of memory.
    pub fn step(&mut self, parameters: &[(String, Tensor)], gradients: &Gradients) -> Result<Option<Tensor>> {
        let found = found(parameters, gradients);
        self.prepare(&found)?;
        let placed = self.placed(&found);
        let Some(max_norm) = self.settings.max_norm.filter(|_| !found.is_empty()) else {
            // Those that have an array of their own are read where they are.
            let shared: Vec<Placed> = placed.into_iter().filter(|(_, place)| place.is_some()).collect();
            if !shared.is_empty() {
                gather(&shared)?;
            }
            self.update_all(&found, None)?;
            return Ok(None);
        };
        let (scale, total_norm) = clip_gathered_grad_norm(&placed, max_norm, 1.0)?;
        self.update_all(&found, Some(&scale))?;
        Ok(Some(total_norm))
    }

    /// As [`Optimizer::step`], of gradients of a loss times `loss_scale`. Where one of them is not finite nothing is updated, and the
    /// answer is false; to know that, the norm is read back: the next pass cannot begin without the factor that follows from it.
    ///
    /// # Errors
    /// Those of [`Optimizer::step`]; [`Error::Device`].
    pub fn step_where_finite(&mut self, parameters: &[(String, Tensor)], gradients: &Gradients, loss_scale: f32) -> Result<bool> {
        let found = found(parameters, gradients);
        if found.is_empty() {
            return Ok(true);
        }
        self.prepare(&found)?;
        let max_norm = self.settings.max_norm.unwrap_or(f64::INFINITY);
        let (scale, total_norm) = clip_gathered_grad_norm(&self.placed(&found), max_norm, 1.0 / loss_scale)?;
        let is_finite = || Ok::<_, Error>(total_norm.to_vec()?.iter().all(|norm| norm.is_finite()));
        if !total_norm.gpu().is_planner() && !is_finite()? {
            return Ok(false);
        }
        self.update_all(&found, Some(&scale))?;
        Ok(true)
    }

    /// Makes the arrays beside those of these parameters; those that have no state yet get it once a step updates them.
    fn prepare(&mut self, found: &[Found]) -> Result<()> {
        if let (None, Some((_, first, _))) = (&self.fillers, found.first()) {
            self.fillers = Some(Fillers::new(first.gpu())?);
        }
        for (name, parameter, gradient) in found {
            if gradient.shape() != parameter.shape() {
                let message = format!("a gradient of shape {} for the parameter `{name}` of shape {}", gradient.shape(), parameter.shape());
                return Err(Error::shape("optimizer", message));
            }
            self.arrays.beside(parameter, self.settings.state_names().len())?;
        }
        Ok(())
    }

    /// Counts a step of a parameter, and gives it state where it has none.
    fn count(&mut self, name: &str, parameter: &Tensor) -> Result<()> {
        let slot = match self.slots.entry(name.to_owned()) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(place) => {
                let zeros = |_: &&str| Tensor::full(parameter.gpu(), parameter.shape(), 0.0);
                let tensors = match self.arrays.of(parameter) {
                    Some((packed, first)) => packed.states_of(parameter, first)?,
                    None => self.settings.state_names().iter().map(zeros).collect::<Result<_>>()?,
                };
                place.insert(Slot { steps: 0, tensors })
            }
        };
        slot.steps += 1;
        Ok(())
    }

    /// Each gradient with the place where its parameter's neighbours have theirs.
    fn placed<'a>(&'a self, found: &[Found<'a>]) -> Vec<Placed<'a>> {
        let place = |parameter| self.arrays.of(parameter).map(|(packed, first)| (&packed.gradients, first));
        found.iter().map(|(_, parameter, gradient)| (*gradient, place(parameter))).collect()
    }

    fn update_all(&mut self, found: &[Found], scale: Option<&Tensor>) -> Result<()> {
        found.iter().try_for_each(|(name, parameter, _)| self.count(name, parameter))?;
        let mut members: BTreeMap<u64, Vec<Member>> = BTreeMap::new();
        for (name, parameter, gradient) in found {
            let Some(&Slot { steps, ref tensors }) = self.slots.get(*name) else { continue };
            match self.arrays.of(parameter) {
                Some((_, first)) => members.entry(parameter.buffer().id()).or_default().push(Member { first, len: parameter.len(), steps }),
                None => self.update(parameter, gradient, tensors, steps, scale)?,
            }
        }
        for (id, members) in members {
            for run in self.arrays.runs(id, members)? {
                self.update(&run.parameter, &run.gradient, &run.states, run.steps, scale)?;
            }
        }
        Ok(())
    }

    fn update(&self, parameter: &Tensor, gradient: &Tensor, state: &[Tensor], steps: u64, scale: Option<&Tensor>) -> Result<()> {
        let Some(fillers) = &self.fillers else { return Ok(()) };
        let (scale, by) = (scale.unwrap_or(&fillers.one), &self.settings.coefficients);
        match self.settings.kind {
            OptimizerKind::Adam | OptimizerKind::AdamW => {
                let decay = if self.settings.kind == OptimizerKind::AdamW { Decay::OfParameter } else { Decay::OfGradient };
                optimizer::adam(parameter, gradient, scale, [&state[0], &state[1]], steps, decay, by)
            }
            OptimizerKind::Sgd => optimizer::sgd(parameter, gradient, scale, state.first().unwrap_or(&fillers.unused), by),
            OptimizerKind::RmsProp => {
                optimizer::rmsprop(parameter, gradient, scale, &state[0], state.get(1).unwrap_or(&fillers.unused), by)
            }
        }
    }
}
