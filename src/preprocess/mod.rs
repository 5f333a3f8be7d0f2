//! Host batches to network inputs, targets and masks on the device.
//!
//! Channel by channel, in network order, as the variable's entry in its domain says: blur((x / divisor − mean) / std), with borders
//! reflected at the window that was read, or less of that, or x as it is; a scalar fills its plane, as does the raw value that
//! `constant_inputs` gives. `normalize_inputs: false` leaves mean and std out. Blurs run on the device (`shaders/gaussian_blur.wgsl`),
//! everything else is one pass on the host on the way into the upload.

mod plan;

pub use plan::zero_of;
use plan::{Plan, Scaling};

use crate::config::Config;
use crate::data::loader::Batch;
use crate::domains::Variable;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::cat::cat;
use crate::kernels::gaussian_blur::{Window, blur_with};
use crate::tensor::Tensor;

/// Neighbouring channels that reach the device together.
enum Part {
    /// Channels that are ready once scaled on the host.
    Plain(Vec<Plain>),
    /// One channel that is scaled and blurred on the device.
    Blurred { channel: usize, scaling: Scaling, window: Window, kernel_size: usize, key: String },
}

/// A channel that is scaled on the host; a constant takes the place of its values.
struct Plain {
    channel: usize,
    scaling: Scaling,
    constant: Option<f32>,
}

/// What a configuration asks to be done with raw channels.
pub struct Preprocessor {
    gpu: Gpu,
    file: String,
    channels: usize,
    parts: Vec<Part>,
}

impl Preprocessor {
    /// Prepares for batches of these inputs, in network order.
    ///
    /// # Errors
    /// [`Error::Config`] where a mean, a standard deviation or a blur's sigma is missing, or there is no channel; out of memory.
    pub fn new(gpu: &Gpu, config: &Config, inputs: &[&Variable]) -> Result<Self> {
        if inputs.is_empty() {
            return Err(
                config.key_error("in_keys", "names no input channel, nor do `in_keys_static` and `in_keys_aux`; a network needs one")
            );
        }
        let mut parts = Vec::new();
        for (index, input) in inputs.iter().enumerate() {
            let Plan { scaling, blur, constant } = Plan::new(config, input)?;
            let plain = Plain { channel: index, scaling, constant };
            match (blur, parts.last_mut()) {
                (Some(blur), _) => {
                    let window = Window::new(gpu, blur.kernel_size, blur.sigma)?;
                    parts.push(Part::Blurred { channel: index, scaling, window, kernel_size: blur.kernel_size, key: blur.key });
                }
                (None, Some(Part::Plain(together))) => together.push(plain),
                (None, _) => parts.push(Part::Plain(vec![plain])),
            }
        }
        Ok(Preprocessor { gpu: gpu.clone(), file: config.file.clone(), channels: inputs.len(), parts })
    }

    /// The network's input.
    ///
    /// # Shapes
    /// `[n, channels, h, w]`.
    ///
    /// # Errors
    /// [`Error::Config`] where a blur's radius is not smaller than the windows; [`Error::Shape`] for a batch of other channels; out of memory.
    pub fn input(&self, batch: &Batch) -> Result<Tensor> {
        if batch.channels.len() != self.channels {
            let (got, expected) = (batch.channels.len(), self.channels);
            return Err(Error::shape("preprocess", format!("a batch of {got} channels where {expected} are configured")));
        }
        let parts = self.parts.iter().map(|part| self.upload(part, batch)).collect::<Result<Vec<_>>>()?;
        match parts.as_slice() {
            [only] => Ok(only.clone()),
            _ => cat(&parts.iter().collect::<Vec<_>>()),
        }
    }

    fn upload(&self, part: &Part, batch: &Batch) -> Result<Tensor> {
        let Batch { n, height, width, .. } = *batch;
        match part {
            Part::Plain(channels) if self.gpu.is_planner() => Tensor::empty(&self.gpu, [n, channels.len(), height, width]),
            Part::Plain(channels) => {
                let mut values = Vec::with_capacity(n * channels.len() * height * width);
                for image in 0..n {
                    for Plain { channel, scaling, constant } in channels {
                        // One value a sample, as a scalar channel has it.
                        let constants = constant.map(|constant| vec![constant; n]);
                        let raw = constants.as_ref().unwrap_or(&batch.channels[*channel]);
                        scaling.append(raw, image, n, height * width, &mut values)?;
                    }
                }
                Tensor::from_slice(&self.gpu, [n, channels.len(), height, width], &values)
            }
            Part::Blurred { channel, scaling, window, kernel_size, key } => {
                if kernel_size / 2 >= height.min(width) {
                    let message = format!(
                        "is {kernel_size}, and its radius {} must be smaller than the {height} × {width} pixels of a tile; \
                         enlarge `img_size` or use a smaller blur",
                        kernel_size / 2
                    );
                    return Err(Error::Config { file: self.file.clone(), key: key.clone(), message });
                }
                let raw = Tensor::from_slice(&self.gpu, [n, 1, height, width], &batch.channels[*channel])?;
                blur_with(&raw, window, scaling.offset, scaling.scale)
            }
        }
    }

    /// The target with 0 where there is none, and the mask: 1 where the target is missing or the pixel is ocean, else 0.
    ///
    /// # Shapes
    /// Both `[n, 1, h, w]`.
    ///
    /// # Errors
    /// Out of memory.
    pub fn target(&self, batch: &Batch) -> Result<(Tensor, Tensor)> {
        let shape = [batch.n, 1, batch.height, batch.width];
        let (target, mask) = masked(&batch.target, &batch.ocean);
        Ok((Tensor::from_slice(&self.gpu, shape, &target)?, Tensor::from_slice(&self.gpu, shape, &mask)?))
    }
}

/// The target with 0 for NaN, and the mask with 1 for NaN and ocean.
pub fn masked(target: &[f32], ocean: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let pixel = |(&target, &ocean): (&f32, &f32)| match target.is_nan() {
        true => (0.0, 1.0),
        false => (target, ocean),
    };
    target.iter().zip(ocean).map(pixel).unzip()
}
