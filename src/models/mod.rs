//! Models by `model_key`.

mod deeplabv3;
mod linear;
mod unet;
mod unet_smp;
mod xception;

pub use deeplabv3::DeepLabV3Plus;
pub use linear::LinearDem;
pub use unet::UNet;
pub use unet_smp::UNetSmp;

use crate::autograd::Tape;
use crate::config::{Config, ModelKey};
use crate::error::Result;
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
/// [`crate::error::Error::Config`] for a `model_key` that names no network of this build; out of memory.
pub fn build(gpu: &Gpu, config: &Config, in_channels: usize) -> Result<Box<dyn Model>> {
    match config.model_key {
        ModelKey::Unet => Ok(Box::new(UNet::new(gpu, config, in_channels)?)),
        ModelKey::UnetSmp => Ok(Box::new(UNetSmp::new(gpu, config, in_channels)?)),
        ModelKey::DeepLabV3 => Ok(Box::new(DeepLabV3Plus::new(gpu, config, in_channels)?)),
        ModelKey::LinearDem => Ok(Box::new(LinearDem::new(gpu, config, in_channels)?)),
        baseline @ (ModelKey::InterpolateMar | ModelKey::ThresholdPmw | ModelKey::TimeInterpolateSar) => {
            let message =
                format!("`{}` is a baseline without weights; networks are unet, unet_smp, deeplabv3 and linear_dem", baseline.name());
            Err(config.key_error("model_key", message))
        }
    }
}

/// Refuses tiles (rows, columns) that the configured network cannot take, before it is built.
///
/// # Errors
/// [`crate::error::Error::Config`] with the nearest size that fits.
pub fn check_tile(config: &Config, tile: [usize; 2]) -> Result<()> {
    match config.model_key {
        ModelKey::DeepLabV3 => {
            deeplabv3::misfit(config.encoder_output_stride, tile).map_or(Ok(()), |message| Err(config.key_error("img_size", message)))
        }
        _ => Ok(()),
    }
}
