//! A training checkpoint: a folder with `model.safetensors` (the state dict), `optimizer.safetensors`, `inputs.json` (what it was trained
//! on) and `state.json`.
//!
//! `state.json` is written last, so that a folder that holds it is complete; it has the digests of the others ([`crate::weights::guard`]).

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

pub use super::freeze::Frozen;
use super::inputs::{INPUTS_FILE, TrainedOn};
pub use super::state::{Best, Criterion, Rng, State};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::gpu::Gpu;
use crate::nn::ParameterSet;
use crate::nn::state_dict::{self, HostDict, HostTensor};
use crate::optim::Optimizer;
use crate::tensor::{Shape, Tensor};
use crate::weights::guard::{FileMark, OPTIMIZER_FILE};
pub use crate::weights::guard::{MODEL_FILE, STATE_FILE};
use crate::weights::provenance::Provenance;

/// Reads the model's state dict back from the device, and refuses values that are not finite.
///
/// # Errors
/// [`Error::NotFinite`] naming the tensor; [`Error::Device`].
pub fn finite_weights(model: &ParameterSet) -> Result<HostDict> {
    let weights = state_dict::to_host(model)?;
    let bad = weights.iter().find(|(_, tensor)| matches!(tensor, HostTensor::F32(_, values) if values.iter().any(|v| !v.is_finite())));
    match bad {
        None => Ok(weights),
        Some((name, _)) => Err(Error::NotFinite(format!("the weights `{name}` are not finite"))),
    }
}

/// The bytes of a weight file that PyTorch loads and that says under which configuration it was trained; `file` is for messages.
///
/// # Errors
/// [`Error::Output`]; those of [`Provenance::of`].
pub fn encode_weights(file: &Path, weights: &HostDict, config: &Config) -> Result<Vec<u8>> {
    state_dict::encode(file, weights, Provenance::of(config)?.metadata())
}

/// Writes a checkpoint into a folder that does not exist yet; `model` is the file of its weights, `state` gets the marks of all files.
///
/// # Errors
/// [`Error::Output`] where it cannot be written; [`Error::Device`].
pub fn write(folder: &Path, model: &[u8], optimizer: &Optimizer, inputs: &TrainedOn, state: &mut State) -> Result<()> {
    let mut put = |name: &str, bytes: &[u8]| {
        state.files.insert(name.to_owned(), FileMark::of(bytes));
        write_atomically(folder.join(name), |file| file.write_all(bytes))
    };
    put(MODEL_FILE, model)?;
    let mut moments = HostDict::new();
    for (name, tensor) in optimizer.state_tensors()? {
        moments.insert(name, state_dict::tensor_to_host(&tensor)?);
    }
    put(OPTIMIZER_FILE, &state_dict::encode(&folder.join(OPTIMIZER_FILE), &moments, HashMap::new())?)?;
    put(INPUTS_FILE, &inputs.encode(folder)?)?;
    let text = state.sealed(folder)?;
    write_atomically(folder.join(STATE_FILE), |file| file.write_all(text.as_bytes()))
}

/// Puts a checkpoint's tensors into the model and the optimizer.
///
/// # Errors
/// [`Error::Weights`] where a file is unreadable or does not fit, or the optimizer's is empty after `steps` steps; out of memory.
pub fn load(folder: &Path, gpu: &Gpu, model: &ParameterSet, optimizer: &mut Optimizer, steps: u64) -> Result<()> {
    state_dict::load(model, &folder.join(MODEL_FILE))?;
    let file = folder.join(OPTIMIZER_FILE);
    let mut moments = Vec::new();
    for (name, tensor) in state_dict::read(&file)? {
        if let HostTensor::F32(shape, values) = tensor {
            moments.push((name, Tensor::from_slice(gpu, Shape::from(shape.as_slice()), &values)?));
        }
    }
    if moments.is_empty() && steps > 0 {
        let message = format!("holds nothing, although the checkpoint is of step {steps}; resume from another checkpoint");
        return Err(Error::Weights { path: file, message });
    }
    optimizer.load_state(&model.trainable(), moments, &file)
}
