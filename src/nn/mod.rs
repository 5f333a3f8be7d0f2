//! Parameters with their state_dict names, layers that own them, initialisation and weight files.

mod builder;
mod conv_norm;
mod init;
mod layers;
mod mode;
pub mod notes;
mod shared_arrays;
pub mod state_dict;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

pub use builder::Builder;
pub use conv_norm::{ConvNorm, Pending};
pub use init::Init;
pub use layers::{BatchNorm2d, Conv2d, ConvTranspose2d, Dropout, GroupNorm, LayerNorm, Linear};
pub use mode::Mode;

use crate::autograd::Tape;
use crate::tensor::Tensor;

/// What an entry of the state dict is.
#[derive(Clone)]
pub enum Value {
    /// Trained by the optimizer.
    Parameter(Tensor),
    /// Updated by the forward pass (running statistics).
    Buffer(Tensor),
    /// `num_batches_tracked`: int64, shape [].
    Counter(Rc<Cell<i64>>),
    /// What follows from the network's settings, as PyTorch keeps it in a buffer: written to files, never read from them.
    Derived(Rc<dyn Fn() -> state_dict::HostTensor>),
}

/// All entries of a model's state dict in the order of construction, under PyTorch's names.
#[derive(Default)]
pub struct ParameterSet {
    entries: Vec<(String, Value)>,
    repeats: Vec<(String, usize)>,
    /// Names of parameters that do not move.
    frozen: RefCell<BTreeSet<String>>,
    /// Batch norms by name, each with the switch that holds its statistics.
    norms: Vec<(String, Rc<Cell<bool>>)>,
    /// Whether a layer drops values.
    drops: bool,
}

impl ParameterSet {
    /// Every entry once, by name; a repeated module under index 0.
    pub fn entries(&self) -> &[(String, Value)] {
        &self.entries
    }

    /// Trainable tensors with their names, frozen ones left out.
    pub fn trainable(&self) -> Vec<(String, Tensor)> {
        let frozen = self.frozen.borrow();
        let moving = |name: &str| !frozen.contains(name);
        self.parameters().filter(|(name, _)| moving(name)).map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect()
    }

    /// Whether the network has dropout that drops something.
    pub fn drops(&self) -> bool {
        self.drops
    }

    /// Number of values that can be trained, frozen ones among them.
    pub fn count(&self) -> usize {
        self.parameters().map(|(_, tensor)| tensor.len()).sum()
    }

    /// Freezes these parameters and no others: nothing asks for their gradients, so that no optimizer moves them, and a batch norm of which
    /// all parameters are among them normalises with its running statistics in training, too, and leaves those as they are.
    pub fn freeze(&self, names: &BTreeSet<String>) {
        for (norm, is_frozen) in &self.norms {
            is_frozen.set(["weight", "bias"].iter().all(|part| names.contains(&format!("{norm}.{part}"))));
        }
        self.frozen.replace(names.clone());
    }

    fn parameters(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.entries.iter().filter_map(|(name, value)| match value {
            Value::Parameter(tensor) => Some((name.as_str(), tensor)),
            _ => None,
        })
    }

    /// Asks the tape for the gradients of all trainable tensors, frozen ones left out.
    pub fn watch(&self, tape: &Tape) {
        for (_, tensor) in self.trainable() {
            tape.watch(&tensor);
        }
    }

    /// Names under which an entry is stored: `extraincs.0.…` also as `extraincs.1.…` and so on.
    pub fn stored_names(&self, name: &str) -> Vec<String> {
        for (list, times) in &self.repeats {
            if let Some(rest) = name.strip_prefix(&format!("{list}.0.")) {
                return (0..*times).map(|i| format!("{list}.{i}.{rest}")).collect();
            }
        }
        vec![name.to_owned()]
    }
}
