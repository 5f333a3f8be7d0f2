//! Parameters with their state_dict names, layers that own them, initialisation and weight files.

mod builder;
mod conv_norm;
mod init;
mod layers;
mod mode;
pub mod notes;
pub mod state_dict;

use std::cell::Cell;
use std::rc::Rc;

pub use builder::Builder;
pub use conv_norm::ConvNorm;
pub use init::Init;
pub use layers::{BatchNorm2d, Conv2d, ConvTranspose2d, Dropout};
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
}

/// All entries of a model's state dict in the order of construction, under PyTorch's names.
#[derive(Default)]
pub struct ParameterSet {
    entries: Vec<(String, Value)>,
    repeats: Vec<(String, usize)>,
}

impl ParameterSet {
    /// Every entry once, by name; a repeated module under index 0.
    pub fn entries(&self) -> &[(String, Value)] {
        &self.entries
    }

    /// Trainable tensors with their names.
    pub fn trainable(&self) -> Vec<(String, Tensor)> {
        let tensors = self.entries.iter().filter_map(|(name, value)| match value {
            Value::Parameter(tensor) => Some((name.clone(), tensor.clone())),
            _ => None,
        });
        tensors.collect()
    }

    /// Number of trainable values.
    pub fn count(&self) -> usize {
        self.trainable().iter().map(|(_, tensor)| tensor.len()).sum()
    }

    /// Asks the tape for the gradients of all trainable tensors.
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
