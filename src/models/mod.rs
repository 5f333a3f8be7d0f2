//! Models by `model_key`.

mod unet;

pub use unet::UNet;

use crate::autograd::Tape;
use crate::config::{Config, ModelKey};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::nn::{Mode, ParameterSet};
use crate::tensor::Tensor;

/// A network from an input `[n, in_channels, h, w]` to maps `[n, out_channels, h, w]`.
pub trait Model {
    /// The output; in training the batch's statistics normalise, and running ones are updated.
    ///
    /// # Errors
    /// Shapes that do not fit; out of memory.
    fn forward(&self, tape: &Tape, input: &Tensor, mode: Mode) -> Result<Tensor>;

    /// The state dict.
    fn parameters(&self) -> &ParameterSet;
}

/// Builds the configured model with initial values drawn from `config.seed`.
///
/// # Errors
/// [`Error::Config`] for a `model_key` that names no network of this build; out of memory.
pub fn build(gpu: &Gpu, config: &Config, in_channels: usize) -> Result<Box<dyn Model>> {
    match config.model_key {
        ModelKey::Unet => Ok(Box::new(UNet::new(gpu, config, in_channels)?)),
        other => {
            let name = serde_json::to_value(other).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
            Err(Error::Config {
                file: config.file.clone(),
                key: "model_key".into(),
                message: format!("`{name}` is not a network that this version can build; use `unet`"),
            })
        }
    }
}
