//! Pretrained encoders: `encoder_weights` names a safetensors file with an Xception71 under timm's names, which is put into a new model; of
//! `tyrion` one with a SwinV2 ([`super::swin`]).
//!
//! A first convolution for three channels is adapted to others as timm does it ([`repeated`]).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::adapt::repeated;
use super::file::WeightFile;
use super::guard::require_intact;
use super::swin;
use super::transfer::Taken;
use crate::config::{Config, ModelKey};
use crate::error::{Error, Result};
use crate::models;
use crate::nn::state_dict::{self, HostDict, HostTensor};
use crate::nn::{ParameterSet, Value};

/// The encoder's place in the state dicts of `unet_smp` and `deeplabv3`.
const PREFIX: &str = "encoder.model.";
/// The one layer that sees the input's channels.
const FIRST: &str = "stem_0.conv.weight";
/// Parts of the classifier that an encoder is without.
const CLASSIFIER: [&str; 3] = ["head.", "fc.", "classifier."];
/// The shortcut that is an identity at output stride 8.
const IDENTITY: &str = "blocks_4.shortcut.";

/// The file that a run from scratch takes its encoder from; none where `encoder_weights` is null or the model has no encoder.
///
/// # Errors
/// [`Error::Config`] for `imagenet`, saying how to get such a file, and for a path without a file.
pub fn encoder_file(config: &Config) -> Result<Option<PathBuf>> {
    let Some(given) = &config.encoder_weights else { return Ok(None) };
    if !models::network(config)?.has_encoder {
        return Ok(None);
    }
    let path = PathBuf::from(given);
    if path.is_file() {
        return Ok(Some(path));
    }
    let channels = config.inputs()?.len();
    let wrong = match given.as_str() {
        "imagenet" => "`imagenet` names weights that are not part of this program".to_owned(),
        _ => format!("there is no file {given}"),
    };
    if config.model_key == ModelKey::Tyrion {
        return Err(config.key_error("encoder_weights", format!("{wrong}; {}", swin::ADVICE)));
    }
    Err(config.key_error(
        "encoder_weights",
        format!(
            "{wrong}; write them with `python tools/export_weights.py imagenet --channels {channels} --out xception71.safetensors` (or take the \
             safetensors file that timm publishes for xception71.tf_in1k as it is), then give --set encoder_weights=xception71.safetensors; \
             --set encoder_weights=null trains from random weights, --weights FILE from those of a whole model"
        ),
    ))
}

/// Puts an encoder's weights into a model; tells what was adapted or left aside, and which entries have the file's values as they are.
///
/// Names may be those of timm's model (`stem.0.…`), of its feature extractor (`stem_0.…`), or those of a whole `unet_smp` or `deeplabv3`
/// (`encoder.model.stem_0.…`, of which the encoder is taken). Counters may be absent.
///
/// # Errors
/// [`Error::Weights`] naming a missing, mis-shaped or unknown tensor; the model is unchanged then.
pub fn load_encoder(model: &ParameterSet, path: &Path) -> Result<Taken> {
    require_intact(path)?;
    let file = WeightFile::open(path)?;
    if swin::is_of(model) {
        return swin::load(model, &file);
    }
    let (mut notes, mut names) = (Vec::new(), BTreeSet::new());
    let mut tensors = of_encoder(file.to_float32()?, &mut notes);
    let mut found = HostDict::new();
    for (name, value) in model.entries() {
        let Some(inner) = name.strip_prefix(PREFIX) else { continue };
        match (tensors.remove(inner), value) {
            (Some(tensor), Value::Parameter(to) | Value::Buffer(to)) => {
                let HostTensor::F32(shape, values) = tensor else {
                    return Err(
                        file.error(format!("tensor `{inner}` is an integer; the encoder needs {:?} float32 values", to.shape().dims()))
                    );
                };
                let wanted = to.shape().dims();
                let is_adapted = inner == FIRST && is_adaptable(&shape, wanted);
                if is_adapted {
                    notes.push(format!("{}: first convolution adapted from {} to {} input channels", path.display(), shape[1], wanted[1]));
                } else if shape != wanted {
                    let advice = if inner == FIRST { "; a file for 3 channels is adapted" } else { "" };
                    return Err(
                        file.error(format!("tensor `{inner}` has shape {shape:?}, the configured encoder needs {wanted:?}{advice}"))
                    );
                }
                if !is_adapted {
                    names.insert(name.clone());
                }
                let values = if is_adapted { repeated(&shape, &values, wanted[1]) } else { values };
                found.insert(name.clone(), HostTensor::F32(wanted.to_vec(), values));
            }
            (_, Value::Derived(_)) => {}
            (Some(counter), Value::Counter(_)) => drop(found.insert(name.clone(), counter)),
            (None, Value::Counter(_)) => drop(found.insert(name.clone(), HostTensor::I64(0))),
            (None, _) => {
                let message = format!("tensor `{inner}` is missing; encoder_weights needs a whole Xception71 under timm's names");
                return Err(file.error(message));
            }
        }
    }
    if found.is_empty() {
        return Err(Error::Usage("this model has no encoder that encoder_weights could be for".into()));
    }
    tensors.retain(|name, _| !name.starts_with(IDENTITY));
    if let Some(name) = tensors.keys().next() {
        let message = format!("tensor `{name}` and {} others belong to no Xception71; check what the file is of", tensors.len() - 1);
        return Err(file.error(message));
    }
    state_dict::apply_part(model, found, path)?;
    Ok(Taken { notes, names })
}

/// The encoder's tensors under the names of timm's feature extractor; notes what else the file holds.
fn of_encoder(dict: HostDict, notes: &mut Vec<String>) -> BTreeMap<String, HostTensor> {
    let whole_model = dict.keys().any(|name| name.starts_with(PREFIX));
    let mut left_out = 0;
    let mut tensors = BTreeMap::new();
    for (name, tensor) in dict {
        let inner = match name.strip_prefix(PREFIX) {
            Some(inner) => inner,
            None if whole_model || CLASSIFIER.iter().any(|part| name.starts_with(part)) => {
                left_out += 1;
                continue;
            }
            None => &name,
        };
        let flat = ["stem.", "blocks."].into_iter().find_map(|list| {
            let rest = inner.strip_prefix(list)?;
            Some(format!("{}_{rest}", list.trim_end_matches('.')))
        });
        tensors.insert(flat.unwrap_or_else(|| inner.to_owned()), tensor);
    }
    if left_out > 0 {
        let what = if whole_model { "beside the encoder's" } else { "of its classifier" };
        notes.push(format!("encoder_weights: {left_out} tensors {what} are not used"));
    }
    tensors
}

/// Whether a first convolution for three channels differs from the wanted one in its channels alone.
fn is_adaptable(shape: &[usize], wanted: &[usize]) -> bool {
    let (&[c_out, 3, ref kernel @ ..], &[wanted_out, channels, ref wanted_kernel @ ..]) = (shape, wanted) else { return false };
    channels != 3 && c_out == wanted_out && kernel == wanted_kernel
}
