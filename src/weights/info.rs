//! What a weight file holds: the model that its names and shapes belong to, the configuration keys that they show, and sums.

use std::collections::BTreeMap;

use serde::Serialize;

use super::file::WeightFile;
use super::provenance::Provenance;
use crate::error::Result;
use crate::models::{NETWORKS, Recognised, Shapes, recognise};

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
    /// Who trained it under which configuration, where the file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
}

impl Info {
    /// Sums up a file.
    ///
    /// # Errors
    /// Those of [`Provenance::in_notes`].
    pub fn of(file: &WeightFile) -> Result<Info> {
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
        Ok(Info {
            file: file.path.display().to_string(),
            recognised: recognise(&Shapes(file.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice())).collect())),
            parameters,
            keys: file.tensors.len(),
            bytes: file.bytes,
            dtypes,
            sha256: file.digest(),
            not_finite,
            provenance: Provenance::in_notes(&file.path, &file.notes)?,
        })
    }
}

/// Whether an entry is trained, and not a further copy of a repeated module.
fn is_trainable(name: &str) -> bool {
    let mut lists = NETWORKS.iter().flat_map(|network| network.repeated);
    let is_copy =
        lists.any(|list| name.strip_prefix(list).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| !rest.starts_with("0.")));
    !is_copy && !["running_mean", "running_var", "num_batches_tracked"].iter().any(|leaf| name.ends_with(leaf))
}
