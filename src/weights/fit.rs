//! Whether a weight file fits a model, tensor by tensor.
//!
//! A file fits exactly where [`state_dict::load`](crate::nn::state_dict::load) would take it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::file::{Kind, WeightFile};
use crate::nn::{ParameterSet, Value};

/// What is wrong with a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The model needs it, the file has it not.
    Missing,
    /// The file has it, the model knows it not.
    Extra,
    /// It has another shape than in the model.
    MisShaped,
    /// It is of another type than models load.
    Type,
    /// A module that the model repeats is stored with different values under its indices.
    CopiesDiffer,
}

impl Fault {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Missing => "missing",
            Fault::Extra => "extra",
            Fault::MisShaped => "mis-shaped",
            Fault::Type => "type",
            Fault::CopiesDiffer => "copies-differ",
        }
    }
}

/// One tensor that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// What is wrong.
    pub fault: Fault,
    /// The tensor's name.
    pub tensor: String,
    /// Type and shape in the file, such as `float32 [8, 4, 3, 3]`.
    pub in_file: Option<String>,
    /// Type and shape in the model.
    pub in_model: Option<String>,
}

/// Every tensor of a file that does not fit a model, in the model's order; those that the model does not know come last.
pub fn misfits(file: &WeightFile, model: &ParameterSet) -> Vec<Misfit> {
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    for (name, value) in model.entries() {
        let stored = model.stored_names(name);
        known.extend(stored.iter().cloned());
        let (kind, shape) = match value {
            Value::Parameter(tensor) | Value::Buffer(tensor) => (Kind::Float32, tensor.shape().dims()),
            Value::Counter(_) => (Kind::Int64, &[][..]),
            // Files may hold it or not.
            Value::Derived(_) => continue,
        };
        let mut misfit = |fault, tensor: &str, in_file| {
            let in_model = Some(described(kind, shape));
            faults.push(Misfit { fault, tensor: tensor.to_owned(), in_file, in_model });
        };
        let Some(first) = file.tensors.get(&stored[0]) else {
            misfit(Fault::Missing, &stored[0], None);
            continue;
        };
        let found = Some(described(first.kind, &first.shape));
        let is_counter = matches!(value, Value::Counter(_));
        if first.shape != shape && !(is_counter && first.shape == [1]) {
            misfit(Fault::MisShaped, &stored[0], found);
        } else if !is_loadable(first.kind, is_counter) {
            misfit(Fault::Type, &stored[0], found);
        }
        for other in &stored[1..] {
            if let Some(copy) = file.tensors.get(other).filter(|copy| *copy != first) {
                misfit(Fault::CopiesDiffer, other, Some(described(copy.kind, &copy.shape)));
            }
        }
    }
    let extra = file.tensors.iter().filter(|(name, _)| !known.contains(*name));
    faults.extend(extra.map(|(name, tensor)| Misfit {
        fault: Fault::Extra,
        tensor: name.clone(),
        in_file: Some(described(tensor.kind, &tensor.shape)),
        in_model: None,
    }));
    faults
}

/// Whether a state dict may hold a tensor of this type: float32 or what it holds exactly, or an integer counter.
fn is_loadable(kind: Kind, is_counter: bool) -> bool {
    matches!(kind, Kind::Float32 | Kind::Float16 | Kind::BFloat16) || (is_counter && matches!(kind, Kind::Int64 | Kind::Int32))
}

fn described(kind: Kind, shape: &[usize]) -> String {
    format!("{} {shape:?}", kind.name())
}
