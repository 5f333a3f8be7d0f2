//! Pretrained encoders of `tyrion`: files of a SwinV2, under the names of its authors' program or of timm's, and the encoder of a whole
//! TYRION.
//!
//! The two differ in where the tokens are merged: the authors' stage k ends with it, timm's stage k + 1 begins with it. Buffers follow from
//! the tile and the window, so those of a file are passed over, and a file for other tiles fits.

use std::collections::BTreeSet;

use super::file::WeightFile;
use super::transfer::Taken;
use crate::error::Result;
use crate::nn::state_dict::{self, HostDict, HostTensor};
use crate::nn::{ParameterSet, Value};

/// The network's place in its own state dicts.
const ROOT: &str = "swin_unet.";
/// The encoder's modules.
const ENCODER: [&str; 2] = ["patch_embed.", "layers."];
/// What the classifier has beside them.
const CLASSIFIER: [&str; 2] = ["norm.", "head."];
/// Buffers that follow from the settings.
const BUFFERS: [&str; 3] = ["attn_mask", "relative_coords_table", "relative_position_index"];

/// Whether a model has such an encoder.
pub(super) fn is_of(model: &ParameterSet) -> bool {
    model.entries().iter().any(|(name, _)| name.strip_prefix(ROOT).is_some_and(is_of_encoder))
}

fn is_of_encoder(inner: &str) -> bool {
    ENCODER.iter().any(|module| inner.starts_with(module))
}

/// Puts an encoder's weights into a model; tells what was left aside, and which entries have the file's values.
///
/// # Errors
/// [`Error::Weights`](crate::error::Error::Weights) naming a missing, mis-shaped or unknown tensor; the model is unchanged then.
pub(super) fn load(model: &ParameterSet, file: &WeightFile) -> Result<Taken> {
    let mut tensors = of_encoder(file.to_float32()?);
    let (mut found, mut names) = (HostDict::new(), BTreeSet::new());
    for (name, value) in model.entries() {
        let Some(inner) = name.strip_prefix(ROOT).filter(|inner| is_of_encoder(inner)) else { continue };
        let tensor = tensors.remove(inner);
        let (Value::Parameter(to) | Value::Buffer(to)) = value else { continue };
        let Some(HostTensor::F32(shape, values)) = tensor else {
            let message = format!(
                "tensor `{inner}` is missing; encoder_weights of tyrion needs a whole SwinV2, under the names of its authors or of timm"
            );
            return Err(file.error(message));
        };
        if shape != to.shape().dims() {
            let wanted = to.shape().dims();
            let message = format!(
                "tensor `{inner}` has shape {shape:?}, the configured encoder needs {wanted:?}; compare embed_dim, depths, num_heads and patch_size"
            );
            return Err(file.error(message));
        }
        names.insert(name.clone());
        found.insert(name.clone(), HostTensor::F32(shape, values));
    }
    let all = tensors.len();
    tensors.retain(|name, _| !BUFFERS.iter().any(|buffer| name.ends_with(buffer)) && !CLASSIFIER.iter().any(|part| name.starts_with(part)));
    let unknown = tensors.keys().find(|name| is_of_encoder(name));
    if let Some(name) = unknown {
        return Err(file.error(format!("tensor `{name}` is none of the configured encoder's; compare depths, num_heads and embed_dim")));
    }
    state_dict::apply_part(model, found, &file.path)?;
    let notes = (all > 0)
        .then(|| format!("encoder_weights: {all} tensors beside the encoder's, and buffers that follow from the tile, are not used"));
    Ok(Taken { notes: notes.into_iter().collect(), names })
}

/// The tensors under the names of the authors' program.
fn of_encoder(dict: HostDict) -> HostDict {
    let whole = dict.keys().any(|name| name.starts_with(ROOT));
    let dict: HostDict = match whole {
        true => dict.into_iter().filter_map(|(name, tensor)| Some((name.strip_prefix(ROOT)?.to_owned(), tensor))).collect(),
        false => dict,
    };
    // In timm's files the first stage does not begin with merging, and the last one does.
    let stage = |name: &str| name.strip_prefix("layers.")?.split_once(".downsample.")?.0.parse::<usize>().ok();
    let opens = !dict.keys().any(|name| stage(name) == Some(0));
    let renamed = |(name, tensor): (String, HostTensor)| match stage(&name).filter(|_| opens) {
        Some(stage) if stage > 0 => (name.replacen(&format!("layers.{stage}."), &format!("layers.{}.", stage - 1), 1), tensor),
        _ => (name, tensor),
    };
    dict.into_iter().map(renamed).collect()
}

/// How to get such a file.
pub(super) const ADVICE: &str = "convert swinv2_tiny_patch4_window16_256.pth, which the authors of SwinV2 publish, with `python \
     tools/export_weights.py from-pth FILE swinv2_tiny.safetensors` (timm's swinv2_tiny_window16_256 as safetensors is taken as it is), then give --set \
     encoder_weights=swinv2_tiny.safetensors; --set encoder_weights=null trains from random weights, --weights FILE from those of a whole model";
