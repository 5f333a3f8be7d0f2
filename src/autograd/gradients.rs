//! Gradients by tensor: within a pass the first one is stored, further ones are added in the order in which they arrive.

use std::collections::{BTreeMap, HashSet};

use crate::error::{Error, Result};
use crate::kernels::add::add;
use crate::tensor::{Named, Tensor, TensorId};

/// Gradients that a backward pass has found so far.
#[derive(Default)]
pub struct Gradients {
    pub(super) tracked: HashSet<TensorId>,
    found: BTreeMap<TensorId, Tensor>,
}

impl Gradients {
    /// None yet, of a pass that wants these.
    pub(super) fn tracking(tracked: HashSet<TensorId>) -> Self {
        Gradients { tracked, found: BTreeMap::new() }
    }

    /// Gradients that were found elsewhere.
    pub fn of(found: impl IntoIterator<Item = (TensorId, Tensor)>) -> Self {
        Gradients { tracked: HashSet::new(), found: found.into_iter().collect() }
    }

    /// Sums of the gradients of two passes, this one's on the left.
    ///
    /// # Errors
    /// [`Error::Shape`] where they are of one tensor and their shapes differ; out of memory.
    pub fn added(mut self, mut other: Gradients) -> Result<Gradients> {
        let mut found = BTreeMap::new();
        while let Some((id, own)) = self.found.pop_first() {
            let sum = match other.found.remove(&id) {
                None => own,
                Some(others) => add(&own, &others)?,
            };
            found.insert(id, sum);
        }
        found.append(&mut other.found);
        Ok(Gradients { tracked: HashSet::new(), found })
    }

    /// True where the gradient of `tensor` is wanted; a closure skips the kernel otherwise.
    pub fn wants(&self, tensor: &impl Named) -> bool {
        self.tracked.contains(&tensor.id())
    }

    /// Adds a contribution to the gradient of `tensor`; one that is not wanted is dropped.
    ///
    /// # Errors
    /// [`Error::Shape`] where the shapes differ.
    pub fn accumulate(&mut self, tensor: &impl Named, contribution: Tensor) -> Result<()> {
        if contribution.shape() != tensor.shape() {
            let message = format!("a gradient of shape {} for a tensor of shape {}", contribution.shape(), tensor.shape());
            return Err(Error::shape("backward", message));
        }
        if !self.wants(tensor) {
            return Ok(());
        }
        let sum = match self.found.remove(&tensor.id()) {
            None => contribution,
            Some(earlier) => add(&earlier, &contribution)?,
        };
        self.found.insert(tensor.id(), sum);
        Ok(())
    }

    /// The gradient of `tensor`, if the pass reached it.
    pub fn get(&self, tensor: &Tensor) -> Option<&Tensor> {
        self.found.get(&tensor.id())
    }

    /// Takes the gradient of `tensor` out.
    pub fn take(&mut self, tensor: &Tensor) -> Option<Tensor> {
        self.take_id(tensor.id())
    }

    pub(super) fn take_id(&mut self, id: TensorId) -> Option<Tensor> {
        self.found.remove(&id)
    }
}
