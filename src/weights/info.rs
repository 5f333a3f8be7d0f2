//! What a weight file holds: the model that its names and shapes belong to, the configuration keys that they show, and sums.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::file::{StoredTensor, WeightFile};

/// A model told by its state dict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recognised {
    /// `model_key`, or `xception71` for an encoder alone.
    pub model: &'static str,
    /// Input channels.
    pub in_channels: usize,
    /// Configuration keys that names and shapes show. Activations, atrous rates and channel names leave no trace in a file.
    pub config: Map<String, Value>,
}

/// Summary of a weight file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Info {
    /// The file.
    pub file: String,
    /// The model that it is of, if it is one of this crate's.
    #[serde(flatten)]
    pub recognised: Option<Recognised>,
    /// Trainable values; a module that is stored under several indices counts once.
    pub parameters: usize,
    /// Tensors in the file.
    pub keys: usize,
    /// Size of the file.
    pub bytes: u64,
    /// Number of tensors by type.
    pub dtypes: BTreeMap<&'static str, usize>,
    /// [`WeightFile::digest`].
    pub sha256: String,
    /// Tensors with NaN or infinite values.
    pub not_finite: Vec<String>,
}

impl Info {
    /// Sums up a file.
    pub fn of(file: &WeightFile) -> Info {
        let mut dtypes = BTreeMap::new();
        let (mut parameters, mut not_finite) = (0, Vec::new());
        for (name, tensor) in &file.tensors {
            *dtypes.entry(tensor.kind.name()).or_insert(0) += 1;
            if is_trainable(name) {
                parameters += tensor.len();
            }
            if tensor.values().iter().any(|value| !value.is_finite()) {
                not_finite.push(name.clone());
            }
        }
        Info {
            file: file.path.display().to_string(),
            recognised: recognise(file),
            parameters,
            keys: file.tensors.len(),
            bytes: file.bytes,
            dtypes,
            sha256: file.digest(),
            not_finite,
        }
    }
}

/// Whether an entry is trained, and not a further copy of a repeated module.
fn is_trainable(name: &str) -> bool {
    let is_copy = ["extraincs.", "extraoutcs."].iter().any(|list| name.strip_prefix(list).is_some_and(|rest| !rest.starts_with("0.")));
    !is_copy && !["running_mean", "running_var", "num_batches_tracked"].iter().any(|leaf| name.ends_with(leaf))
}

/// Tells the model from names and shapes.
pub fn recognise(file: &WeightFile) -> Option<Recognised> {
    let dict = Shapes(&file.tensors);
    if dict.has("inc.double_conv.0.weight") {
        unet(&dict)
    } else if dict.has("decoder.blocks.0.conv1.0.weight") {
        unet_smp(&dict)
    } else if dict.has("decoder.aspp.0.convs.0.0.weight") {
        deeplabv3(&dict)
    } else if dict.has("linear_layers.0.weight") {
        linear_dem(&dict)
    } else {
        encoder(&dict)
    }
}

struct Shapes<'a>(&'a BTreeMap<String, StoredTensor>);

impl Shapes<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The sizes of an axis of a tensor.
    fn axis(&self, name: &str, axis: usize) -> Option<usize> {
        self.0.get(name)?.shape.get(axis).copied()
    }

    /// Modules of a list: those whose index begins a name behind `list.`.
    fn modules(&self, list: &str) -> usize {
        let indices = self.0.keys().filter_map(|name| name.strip_prefix(list)?.split('.').nth(1)?.parse::<usize>().ok());
        indices.max().map_or(0, |last| last.saturating_add(1))
    }
}

fn recognised<const N: usize>(model: &'static str, in_channels: usize, keys: [(&str, Value); N]) -> Option<Recognised> {
    let config = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Some(Recognised { model, in_channels, config })
}

fn unet(dict: &Shapes) -> Option<Recognised> {
    let first = "inc.double_conv.0.weight";
    let keys = [
        ("base_channels", json!(dict.axis(first, 0)?)),
        ("bilinear", json!(!dict.has("up1.up.weight"))),
        ("num_extra_convs", json!(dict.modules("extraincs"))),
        ("out_channels", json!(dict.axis("outc.conv.0.weight", 0)?)),
    ];
    recognised("unet", dict.axis(first, 1)?, keys)
}

fn unet_smp(dict: &Shapes) -> Option<Recognised> {
    let blocks = dict.modules("decoder.blocks");
    let widths: Option<Vec<usize>> = (0..blocks).map(|block| dict.axis(&format!("decoder.blocks.{block}.conv1.0.weight"), 0)).collect();
    let keys = [
        ("decoder_channels", json!(widths?)),
        ("decoder_use_batchnorm", json!(dict.has("decoder.blocks.0.conv1.1.weight"))),
        ("out_channels", json!(dict.axis("segmentation_head.0.weight", 0)?)),
    ];
    recognised("unet_smp", dict.axis("encoder.model.stem_0.conv.weight", 1)?, keys)
}

fn deeplabv3(dict: &Shapes) -> Option<Recognised> {
    // At output stride 8 the fourth block keeps size and width, so that its shortcut is an identity.
    let stride = if dict.has("encoder.model.blocks_4.shortcut.conv.weight") { 16 } else { 8 };
    let keys = [
        ("batch_norm", json!(dict.has("decoder.aspp.0.convs.0.1.weight"))),
        ("decoder_channels", json!(dict.axis("decoder.aspp.0.convs.0.0.weight", 0)?)),
        ("encoder_output_stride", json!(stride)),
        ("out_channels", json!(dict.axis("segmentation_head.0.weight", 0)?)),
    ];
    recognised("deeplabv3", dict.axis("encoder.model.stem_0.conv.weight", 1)?, keys)
}

fn linear_dem(dict: &Shapes) -> Option<Recognised> {
    let first = "linear_layers.0.weight";
    let keys = [("n_models", json!(dict.modules("linear_layers"))), ("out_channels", json!(dict.axis(first, 0)?))];
    // The month's channel chooses the model and is no input of it.
    recognised("linear_dem", dict.axis(first, 1)?.saturating_add(1), keys)
}

fn encoder(dict: &Shapes) -> Option<Recognised> {
    let first = ["encoder.model.stem_0.conv.weight", "stem_0.conv.weight", "stem.0.conv.weight"].into_iter().find(|name| dict.has(name))?;
    recognised("xception71", dict.axis(first, 1)?, [])
}
