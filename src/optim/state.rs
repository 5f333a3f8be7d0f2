//! An optimizer's state as named tensors, for checkpoints that resume to the bit.

use std::collections::BTreeMap;
use std::path::Path;

use super::packed::Arrays;
use super::{Fillers, Optimizer, Slot};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

impl Optimizer {
    /// The state for a checkpoint: `<parameter>.<state>` as PyTorch names them, and `<parameter>.step` of shape `[]`.
    ///
    /// # Errors
    /// Out of memory.
    pub fn state_tensors(&self) -> Result<Vec<(String, Tensor)>> {
        let mut named = Vec::new();
        for (name, slot) in &self.slots {
            for (state, tensor) in self.settings.state_names().iter().zip(&slot.tensors) {
                named.push((format!("{name}.{state}"), tensor.clone()));
            }
            if let Some(fillers) = &self.fillers {
                // Exact in float32 up to 16.7 million steps, past any run's length.
                named.push((format!("{name}.step"), Tensor::full(fillers.one.gpu(), [], slot.steps as f32)?));
            }
        }
        Ok(named)
    }

    /// Takes over the state that [`Optimizer::state_tensors`] gave; parameters that it does not name start afresh.
    ///
    /// # Errors
    /// [`Error::Weights`] naming the file `from` for state of an unknown parameter, of another optimizer, incomplete, or of another shape
    /// than its parameter; out of memory.
    pub fn load_state(&mut self, parameters: &[(String, Tensor)], state: Vec<(String, Tensor)>, from: &Path) -> Result<()> {
        let mismatch = |message: String| mismatch(from, &message);
        let mut state: BTreeMap<String, Tensor> = state.into_iter().collect();
        let (mut slots, mut arrays) = (BTreeMap::new(), Arrays::default());
        for (name, parameter) in parameters {
            let Some(steps) = state.remove(&format!("{name}.step")) else {
                continue;
            };
            let mut tensors = Vec::new();
            for part in self.settings.state_names() {
                let full = format!("{name}.{part}");
                let tensor = state.remove(&full).ok_or_else(|| mismatch(format!("`{full}` is missing")))?;
                if tensor.shape() != parameter.shape() {
                    return Err(mismatch(format!("`{full}` has shape {}, its parameter {}", tensor.shape(), parameter.shape())));
                }
                tensors.push(tensor);
            }
            if let Some((packed, first)) = arrays.beside(parameter, tensors.len())? {
                let places = packed.states_of(parameter, first)?;
                for (loaded, place) in tensors.iter().zip(&places) {
                    place.gpu().copy_words((loaded.buffer(), 0), (place.buffer(), 0), place.len())?;
                }
                tensors = places;
            }
            let steps = steps.to_vec()?.first().map_or(0, |&count| count as u64);
            slots.insert(name.clone(), Slot { steps, tensors });
            if self.fillers.is_none() {
                self.fillers = Some(Fillers::new(parameter.gpu())?);
            }
        }
        if let Some(name) = state.keys().next() {
            return Err(mismatch(format!("`{name}` belongs to no parameter of this model, or to another optimizer")));
        }
        (self.slots, self.arrays) = (slots, arrays);
        Ok(())
    }
}

fn mismatch(from: &Path, message: &str) -> Error {
    let advice = "resume with the `optimizer` and model keys of the run that wrote the checkpoint";
    Error::Weights { path: from.to_owned(), message: format!("the saved state does not fit: {message}; {advice}") }
}
