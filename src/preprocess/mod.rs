//! Host batches to network inputs on the device.
//!
//! Channel by channel, in network order, as the variable's entry in its domain says: blur((x / divisor − mean) / std), or the same of a
//! logarithm of x / divisor, with borders reflected at the window that was read, or less of that, or x as it is; a scalar fills its plane,
//! as does the raw value that `constant_inputs` gives. `normalize_inputs: false` leaves mean and std out. Blurs run on the device
//! (`shaders/gaussian_blur.wgsl`), everything else is one pass on the host on the way into the upload.

mod plan;

use plan::{Plan, Scaling};
pub use plan::{Unit, zero_of, zeros};

use crate::config::Config;
use crate::data::loader::Batch;
use crate::domains::Variable;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::cat::cat;
use crate::kernels::gaussian_blur::{Window, blur_with};
use crate::models::glavitu::LOCATION;
use crate::models::{Form, Input, InputSpec, Inputs};
use crate::tensor::Tensor;

/// Neighbouring channels that reach the device together.
enum Part {
    /// Channels that are ready once scaled on the host.
    Plain(Vec<Plain>),
    /// One channel that is scaled and blurred on the device.
    Blurred { channel: usize, scaling: Scaling, window: Window, kernel_size: usize, key: String },
}

impl Part {
    /// Of each channel the scaled value of every sample, where it has one a sample.
    fn constants(&self, batch: &Batch) -> Vec<Option<Vec<f32>>> {
        let Part::Plain(channels) = self else { return vec![None] };
        let of = |Plain { channel, scaling, constant }: &Plain| {
            let raw = &batch.channels[*channel];
            let numbers = match constant {
                Some(constant) => vec![*constant; batch.n],
                None if raw.len() == batch.n => raw.clone(),
                None => return None,
            };
            Some(numbers.into_iter().map(|number| scaling.apply(number)).collect())
        };
        channels.iter().map(of).collect()
    }
}

/// A channel that is scaled on the host; a constant takes the place of its values.
struct Plain {
    channel: usize,
    scaling: Scaling,
    constant: Option<f32>,
}

/// One input of the network.
struct Group {
    name: String,
    form: Form,
    /// The batch's channels that it is made of, in its order.
    channels: Vec<usize>,
    parts: Vec<Part>,
}

/// What a configuration asks to be done with raw channels.
pub struct Preprocessor {
    gpu: Gpu,
    file: String,
    channels: usize,
    /// Numbers that say where a sample lies; 0 where the network sees none.
    location: usize,
    groups: Vec<Group>,
}

impl Preprocessor {
    /// Prepares for batches whose channels are these variables, in their order, and a network that takes these inputs.
    ///
    /// # Errors
    /// [`Error::Config`] where a mean, a standard deviation or a blur's sigma is missing, or a variable is not among the channels; out of
    /// memory.
    pub fn new(gpu: &Gpu, config: &Config, channels: &[&Variable], inputs: &[InputSpec]) -> Result<Self> {
        let groups = inputs.iter().map(|input| Preprocessor::group(gpu, config, channels, input)).collect::<Result<_>>()?;
        let (file, location) = (config.file.clone(), config.location_numbers()?);
        Ok(Preprocessor { gpu: gpu.clone(), file, channels: channels.len(), location, groups })
    }

    fn group(gpu: &Gpu, config: &Config, channels: &[&Variable], input: &InputSpec) -> Result<Group> {
        let (mut parts, mut places) = (Vec::new(), Vec::new());
        for variable in &input.variables {
            let Some(index) = channels.iter().position(|channel| channel.name == variable.name) else {
                let message = format!("lacks {}, which the network's input `{}` needs; add it", variable.name, input.name);
                return Err(config.key_error(variable.list(), message));
            };
            places.push(index);
            let Plan { scaling, blur, constant } = Plan::new(config, variable)?;
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
        Ok(Group { name: input.name.clone(), form: input.form, channels: places, parts })
    }

    /// The device that inputs go to.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// The network's inputs, each of the shape that its [`Form`] says, and behind them where the samples lie, `[n, numbers]`, of a network
    /// that sees it.
    ///
    /// # Errors
    /// [`Error::Config`] where a blur's radius is not smaller than the windows; [`Error::Shape`] for a batch of other channels; out of
    /// memory.
    pub fn inputs(&self, batch: &Batch) -> Result<Inputs> {
        if batch.channels.len() != self.channels {
            let (got, expected) = (batch.channels.len(), self.channels);
            return Err(Error::shape("preprocess", format!("a batch of {got} channels where {expected} are configured")));
        }
        let mut inputs: Vec<Input> = self.groups.iter().map(|group| self.input(group, batch)).collect::<Result<_>>()?;
        if self.location > 0 {
            let shape = [batch.n, self.location];
            let tensor = match self.gpu.is_planner() {
                true => Tensor::empty(&self.gpu, shape)?,
                false => Tensor::from_slice(&self.gpu, shape, &batch.location)?,
            };
            inputs.push(Input { name: LOCATION.to_owned(), tensor, constants: Vec::new() });
        }
        Ok(Inputs(inputs))
    }

    fn input(&self, group: &Group, batch: &Batch) -> Result<Input> {
        let constants: Vec<_> = group.parts.iter().flat_map(|part| part.constants(batch)).collect();
        let tensor = match group.form {
            Form::Planes => {
                let parts = group.parts.iter().map(|part| self.upload(part, batch)).collect::<Result<Vec<_>>>()?;
                match parts.as_slice() {
                    [only] => only.clone(),
                    _ => cat(&parts.iter().collect::<Vec<_>>())?,
                }
            }
            Form::Numbers => self.numbers(group, &constants, batch.n)?,
        };
        Ok(Input { name: group.name.clone(), tensor, constants })
    }

    /// A number a channel and sample.
    fn numbers(&self, group: &Group, constants: &[Option<Vec<f32>>], n: usize) -> Result<Tensor> {
        let mut values = Vec::with_capacity(n * constants.len());
        for sample in 0..n {
            for (constant, channel) in constants.iter().zip(&group.channels) {
                let value = constant.as_ref().and_then(|of_samples| of_samples.get(sample));
                let (name, wrong) = (&group.name, format!("channel {channel} of the batch is no number a sample"));
                values.push(*value.ok_or_else(|| Error::shape("preprocess", format!("the input `{name}` takes numbers, and {wrong}")))?);
            }
        }
        Tensor::from_slice(&self.gpu, [n, constants.len()], &values)
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
                let raw = &batch.channels[*channel];
                let logarithms: Vec<f32>;
                let values = match scaling.logarithm {
                    None => raw,
                    Some(_) => {
                        logarithms = raw.iter().map(|value| scaling.logarithm_of(*value)).collect();
                        &logarithms
                    }
                };
                let raw = Tensor::from_slice(&self.gpu, [n, 1, height, width], values)?;
                blur_with(&raw, window, scaling.offset, scaling.scale)
            }
        }
    }
}
