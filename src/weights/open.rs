//! A file's weights as a network, and a network's weights as a file that knows their configuration.

use std::path::Path;

use super::file::intact_weight_file;
use super::provenance::Provenance;
use crate::config::Config;
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::{self, Model};
use crate::nn::{ParameterSet, state_dict};

/// The configured network with the weights of a safetensors file, or of a folder with one ([`intact_weight_file`]).
///
/// # Errors
/// [`Error::Weights`](crate::error::Error::Weights) for a file that is damaged or does not fit the configured network; those of
/// [`models::untrained`].
pub fn open(gpu: &Gpu, weights: &Path, config: &Config) -> Result<Box<dyn Model>> {
    let file = intact_weight_file(weights)?;
    let model = models::untrained(gpu, config)?;
    state_dict::load(model.parameters(), &file)?;
    Ok(model)
}

/// Writes a network's weights with the configuration of their training.
///
/// # Errors
/// Those of [`Provenance::of`]; [`Error::Output`](crate::error::Error::Output) where they cannot be written.
pub fn save(set: &ParameterSet, file: &Path, config: &Config) -> Result<()> {
    state_dict::write(file, &state_dict::to_host(set)?, Provenance::of(config)?.metadata())
}
