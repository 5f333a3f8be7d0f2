//! Pretrained encoders: `encoder_weights` names a safetensors file with an Xception71 under timm's names, which is put into a new model.
//!
//! A first convolution of other width is adapted as timm does it for pretrained weights: from 3 to n input channels,
//! w'(c) = 3/n · w(c mod 3), so that equal inputs give equal sums; to one channel, w' = w(0) + w(1) + w(2).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::file::WeightFile;
use super::guard::require_intact;
use crate::config::Config;
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
    Err(config.key_error(
        "encoder_weights",
        format!(
            "{wrong}; write them with `python tools/export_weights.py imagenet --channels {channels} --out xception71.safetensors` (or take the \
             safetensors file that timm publishes for xception71.tf_in1k as it is), then give --set encoder_weights=xception71.safetensors; \
             --set encoder_weights=null trains from random weights, --weights FILE from those of a whole model"
        ),
    ))
}

/// Puts an encoder's weights into a model; returns notes on what was adapted or left aside.
///
/// Names may be those of timm's model (`stem.0.…`), of its feature extractor (`stem_0.…`), or those of a whole `unet_smp` or `deeplabv3`
/// (`encoder.model.stem_0.…`, of which the encoder is taken). Counters may be absent.
///
/// # Errors
/// [`Error::Weights`] naming a missing, mis-shaped or unknown tensor; the model is unchanged then.
pub fn load_encoder(model: &ParameterSet, path: &Path) -> Result<Vec<String>> {
    require_intact(path)?;
    let file = WeightFile::open(path)?;
    let mut notes = Vec::new();
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
                let adapted = if inner == FIRST { adapt_first(&shape, &values, wanted) } else { None };
                if adapted.is_some() {
                    notes.push(format!("{}: first convolution adapted from {} to {} input channels", path.display(), shape[1], wanted[1]));
                } else if shape != wanted {
                    let advice = if inner == FIRST { "; a file for 3 channels is adapted" } else { "" };
                    return Err(
                        file.error(format!("tensor `{inner}` has shape {shape:?}, the configured encoder needs {wanted:?}{advice}"))
                    );
                }
                found.insert(name.clone(), HostTensor::F32(wanted.to_vec(), adapted.unwrap_or(values)));
            }
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
    Ok(notes)
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

/// A first convolution `[out, 3, kernel, kernel]` for `wanted[1]` channels; `None` where it cannot or need not be adapted.
fn adapt_first(shape: &[usize], values: &[f32], wanted: &[usize]) -> Option<Vec<f32>> {
    let (&[c_out, 3, height, width], &[wanted_out, channels, ..]) = (shape, wanted) else { return None };
    if channels == 3 || c_out != wanted_out || wanted[2..] != [height, width] || values.is_empty() {
        return None;
    }
    let area = height * width;
    let scale = (3.0 / channels as f64) as f32;
    let mut adapted = Vec::with_capacity(c_out * channels * area);
    for filter in values.chunks_exact(3 * area) {
        if channels == 1 {
            adapted.extend((0..area).map(|tap| filter[tap] + filter[area + tap] + filter[2 * area + tap]));
            continue;
        }
        for channel in 0..channels {
            let plane = channel % 3 * area;
            adapted.extend(filter[plane..plane + area].iter().map(|weight| weight * scale));
        }
    }
    Some(adapted)
}

#[cfg(test)]
mod tests {
    use super::adapt_first;

    #[test]
    fn channels_are_repeated_and_rescaled() {
        // Printed by timm 1.0.31 for weights 1, 2, 3.
        let adapted = |channels| adapt_first(&[1, 3, 1, 1], &[1.0, 2.0, 3.0], &[1, channels, 1, 1]);
        assert_eq!(adapted(1), Some(vec![6.0]));
        assert_eq!(adapted(2), Some(vec![1.5, 3.0]));
        assert_eq!(adapted(3), None);
        assert_eq!(adapted(4), Some(vec![0.75, 1.5, 2.25, 0.75]));
        let seven = [0.42857143, 0.85714287, 1.2857143, 0.42857143, 0.85714287, 1.2857143, 0.42857143];
        assert_eq!(adapted(7), Some(seven.to_vec()));
        assert_eq!(adapt_first(&[1, 4, 1, 1], &[1.0; 4], &[1, 5, 1, 1]), None);
    }
}
