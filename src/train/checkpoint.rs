//! A training checkpoint: a folder with `model.safetensors` (the state dict), `optimizer.safetensors` and `state.json`.
//!
//! `state.json` is written last, so that a folder that holds it is complete.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::gpu::Gpu;
use crate::nn::ParameterSet;
use crate::nn::state_dict::{self, HostDict, HostTensor};
use crate::optim::{Optimizer, Schedule};
use crate::tensor::{Shape, Tensor};

/// Weights in the model's state dict.
pub const MODEL_FILE: &str = "model.safetensors";
/// Everything else; its presence says that the folder is complete.
pub const STATE_FILE: &str = "state.json";
const OPTIMIZER_FILE: &str = "optimizer.safetensors";
const FORMAT: &str = "meltcore-checkpoint/1";

/// Which loss chooses the best weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Mean loss over the crops of the val split.
    ValLoss,
    /// Mean loss over the epoch's training batches, where there is no val split.
    TrainLoss,
}

/// The best epoch so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Number of the epoch.
    pub epoch: usize,
    /// Its loss.
    pub loss: f64,
    /// Which loss that is.
    pub criterion: Criterion,
}

/// How random numbers are drawn; there is no hidden state beyond this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rng {
    /// The generator, keyed by seed, epoch and purpose.
    pub generator: String,
    /// The configuration's seed.
    pub seed: u64,
}

/// What a run needs beside tensors to go on to the bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Format of the folder.
    pub format: String,
    /// Version that wrote it.
    pub meltcore: String,
    /// [`Capabilities::identity`](crate::gpu::Capabilities::identity) of the device that computed it; `None` before versions said so.
    #[serde(default)]
    pub device: Option<String>,
    /// Last finished epoch; one less than the first epoch's number before any.
    pub epoch: usize,
    /// Optimizer steps since the start of the run.
    pub step: u64,
    /// Random numbers.
    pub rng: Rng,
    /// The learning-rate schedule where it stands.
    pub schedule: Schedule,
    /// The epoch whose weights are in `best.safetensors`.
    pub best: Option<Best>,
    /// [`Config::digest`] of the run.
    pub config_digest: String,
    /// [`Config::training_keys`] of the run.
    pub config: Map<String, Value>,
}

impl State {
    /// The state of a run of this configuration after `epoch`.
    pub fn new(config: &Config, device: String, epoch: usize, step: u64, schedule: Schedule, best: Option<Best>) -> State {
        State {
            format: FORMAT.into(),
            meltcore: env!("CARGO_PKG_VERSION").into(),
            device: Some(device),
            epoch,
            step,
            rng: Rng { generator: "chacha8".into(), seed: config.seed },
            schedule,
            best,
            config_digest: config.digest(),
            config: config.training_keys(),
        }
    }

    /// Reads the state of a checkpoint folder.
    ///
    /// # Errors
    /// [`Error::Input`] where the folder is no complete checkpoint of a format that this version reads.
    pub fn read(folder: &Path) -> Result<State> {
        let file = folder.join(STATE_FILE);
        let text = fs::read_to_string(&file).map_err(|e| {
            let advice = "name a folder such as `last` or `epoch_0010` under path_checkpoints, or use --resume auto";
            Error::input(folder, format!("is no complete checkpoint: its {STATE_FILE} cannot be read ({e}); {advice}"))
        })?;
        let state: State = serde_json::from_str(&text).map_err(|e| {
            Error::input(&file, format!("is not the state of a checkpoint that this version reads ({e}); resume from another checkpoint"))
        })?;
        if state.format != FORMAT {
            let message = format!("has the format `{}`, this version reads {FORMAT}; resume with the version that wrote it", state.format);
            return Err(Error::input(file, message));
        }
        Ok(state)
    }

    /// Refuses a configuration that would train otherwise than the one that the checkpoint was written under.
    ///
    /// Keys that the other version did not know, and that the configuration leaves at their defaults, are no difference.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the keys that differ with both values.
    pub fn refuse_other_config(&self, folder: &Path, config: &Config) -> Result<()> {
        let now = config.training_keys();
        if self.config_digest == config.digest() {
            return Ok(());
        }
        let differing = |key: &&String| match (self.config.get(*key), now.get(*key)) {
            (None, _) => config.given.contains(*key),
            (then, now) => then != now,
        };
        let keys: std::collections::BTreeSet<&String> = self.config.keys().chain(now.keys()).filter(differing).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let shown = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
        let list: Vec<String> =
            keys.iter().map(|key| format!("`{key}` ({} there, {} now)", shown(self.config.get(*key)), shown(now.get(*key)))).collect();
        Err(Error::Usage(format!(
            "{}: this checkpoint was written under another configuration, so that going on would not continue its run. Different: {}. Set \
             these back, or start a new run from its weights with --weights {} and another path_checkpoints",
            folder.display(),
            list.join(", "),
            folder.join(MODEL_FILE).display()
        )))
    }
}

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

/// Writes weights as a state dict that PyTorch loads.
///
/// # Errors
/// [`Error::Output`].
pub fn write_weights(file: &Path, weights: &HostDict) -> Result<()> {
    // One note only: several are written in random order, and equal weights are to be equal files.
    state_dict::write(file, weights, HashMap::from([("format".to_owned(), "pt".to_owned())]))
}

/// Writes a checkpoint into a folder that does not exist yet.
///
/// # Errors
/// [`Error::Output`] where it cannot be written; [`Error::Device`].
pub fn write(folder: &Path, weights: &HostDict, optimizer: &Optimizer, state: &State) -> Result<()> {
    write_weights(&folder.join(MODEL_FILE), weights)?;
    let mut moments = HostDict::new();
    for (name, tensor) in optimizer.state_tensors()? {
        moments.insert(name, state_dict::tensor_to_host(&tensor)?);
    }
    state_dict::write(&folder.join(OPTIMIZER_FILE), &moments, HashMap::new())?;
    let file = folder.join(STATE_FILE);
    write_atomically(&file, |out| serde_json::to_writer_pretty(out, state).map_err(std::io::Error::from))
}

/// Puts a checkpoint's tensors into the model and the optimizer.
///
/// # Errors
/// [`Error::Weights`] where a file is unreadable or does not fit; out of memory.
pub fn load(folder: &Path, gpu: &Gpu, model: &ParameterSet, optimizer: &mut Optimizer) -> Result<()> {
    state_dict::load(model, &folder.join(MODEL_FILE))?;
    let file = folder.join(OPTIMIZER_FILE);
    let mut moments = Vec::new();
    for (name, tensor) in state_dict::read(&file)? {
        if let HostTensor::F32(shape, values) = tensor {
            moments.push((name, Tensor::from_slice(gpu, Shape::from(shape.as_slice()), &values)?));
        }
    }
    optimizer.load_state(&model.trainable(), moments).map_err(|error| match error {
        Error::Shape { message, .. } => Error::Weights { path: file, message },
        other => other,
    })
}
