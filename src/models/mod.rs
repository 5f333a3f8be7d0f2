//! Networks by `model_key`. A network is a file, or a folder, here: its layers, its own rules about settings and tiles, and how its weight
//! files are told. [`NETWORKS`] has one line for each; every other room asks the table.
//!
//! # Adding a network
//!
//! | step | file | forgotten, this fails |
//! | --- | --- | --- |
//! | the network and its [`Network`] entry | `src/models/<name>.rs` | – |
//! | `mod <name>;` and its entry's line in [`NETWORKS`] | `src/models/mod.rs` | `tests/adding.rs`: each `model_key` names something |
//! | its line of `ModelKey` | `src/config/choices.rs` | the entry does not compile |
//! | its keys, if it has any of its own, a line each | `src/config/table.rs` | an unknown key is refused |
//! | its twin in PyTorch and a small case (or one in `tests/models.rs`) | `tools/fixtures/networks.py` | `tests/adding.rs` |
//! | its row in the table of networks | `README.md` | `tests/adding.rs`: every network is listed |
//!
//! The smallest example of a whole network is in the [crate's documentation](crate).

mod deeplabv3;
pub mod glavitu;
mod inputs;
mod linear;
mod recognise;
pub mod tyrion;
mod unet;
mod unet_smp;
mod xception;

pub use deeplabv3::DeepLabV3Plus;
pub use glavitu::GlaViTU;
pub use inputs::{Form, Input, InputChannels, InputSpec, Inputs, ONLY, OPTICAL_BANDS, Outputs, SEEN};
pub use linear::LinearDem;
pub use recognise::{Recognised, Shapes};
pub use tyrion::Tyrion;
pub use unet::UNet;
pub use unet_smp::UNetSmp;

use crate::autograd::Tape;
use crate::config::{Config, ModelKey, Objective, Precision};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::activation::Activation;
use crate::kernels::operands::Operands;
use crate::nn::{Mode, ParameterSet};
use crate::tensor::Tensor;

/// A network from named inputs to maps `[n, out_channels, h, w]`.
pub trait Model {
    /// The outputs; in training the batch's statistics normalise, and running ones are updated.
    ///
    /// # Errors
    /// Inputs that are missing or do not fit; out of memory.
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs>;

    /// The state dict.
    fn parameters(&self) -> &ParameterSet;

    /// The map of a network with one input.
    ///
    /// # Errors
    /// Those of [`Model::forward`].
    fn map(&self, tape: &Tape, input: &Tensor, mode: Mode) -> Result<Tensor> {
        Ok(self.forward(tape, &Inputs::from(input), mode)?.map)
    }
}

/// A network in mixed precision: the products of its forward pass and of their gradients have f16 operands and f32 sums. Weights, norms
/// and all else stay f32, and so does the loss, which is computed outside (Micikevicius et al. 2018, arXiv 1710.03740).
struct Mixed(Box<dyn Model>);

impl Model for Mixed {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        tape.autocast(Operands::F16, || self.0.forward(tape, inputs, mode))
    }

    fn parameters(&self) -> &ParameterSet {
        self.0.parameters()
    }
}

/// The network in the configured precision.
fn precise(config: &Config, model: Box<dyn Model>) -> Box<dyn Model> {
    match config.precision {
        Precision::F32 => model,
        Precision::Mixed => Box::new(Mixed(model)),
    }
}

/// Builds a network for inputs of these channels.
pub type Build = fn(&Gpu, &Config, &InputChannels) -> Result<Box<dyn Model>>;

/// What a network is: how it is built, and what it alone knows.
pub struct Network {
    /// Its `model_key`.
    pub key: ModelKey,
    /// Builds it, with initial values drawn from `config.seed`, for inputs of these channels.
    pub build: Build,
    /// The inputs that a configuration asks for.
    pub inputs: fn(&Config) -> Result<Vec<InputSpec>>,
    /// Refuses settings that it cannot be trained with.
    pub check_training: fn(&Config) -> Result<()>,
    /// Why tiles (rows, columns) do not fit, if they do not, with the nearest size that does.
    pub misfit: fn(&Config, [usize; 2]) -> Option<String>,
    /// Tells its weight files.
    pub recognise: fn(&Shapes) -> Option<Recognised>,
    /// Whether `encoder_weights` acts on it.
    pub has_encoder: bool,
    /// The weight `[c_out, channels, …]` that sees the input's channels; none where there is no one such weight.
    pub first: Option<&'static str>,
    /// Builds it with the heads of its own program's pretraining on optical scenes, where it has one.
    pub pretraining: Option<Build>,
    /// The modules of its encoder; none where it has none.
    pub encoder: &'static [&'static str],
    /// Lists of modules that are one module under every index.
    pub repeated: &'static [&'static str],
}

impl Network {
    /// A network of one input that takes every setting and tile; its key, `build` and `recognise` are to be given.
    pub const PLAIN: Network = Network {
        key: ModelKey::Unet,
        build: |gpu, config, channels| Ok(Box::new(UNet::new(gpu, config, channels.only()?)?)),
        inputs: one_input,
        check_training: |_| Ok(()),
        misfit: |_, _| None,
        recognise: |_| None,
        has_encoder: false,
        first: None,
        pretraining: None,
        encoder: &[],
        repeated: &[],
    };
}

/// Every network.
pub static NETWORKS: [Network; 6] =
    [unet::NETWORK, unet_smp::NETWORK, deeplabv3::NETWORK, glavitu::NETWORK, tyrion::NETWORK, linear::NETWORK];

/// All configured variables in one input.
fn one_input(config: &Config) -> Result<Vec<InputSpec>> {
    let variables = config.inputs()?;
    if variables.is_empty() {
        return Err(config.key_error("in_keys", "names no input channel, nor do `in_keys_static` and `in_keys_aux`; a network needs one"));
    }
    Ok(vec![InputSpec { name: ONLY.to_owned(), variables, form: Form::Planes }])
}

/// Tells the network that a state dict is of, or its encoder.
pub fn recognise(dict: &Shapes) -> Option<Recognised> {
    NETWORKS.iter().find_map(|network| (network.recognise)(dict)).or_else(|| xception::recognise(dict))
}

/// The configured network.
///
/// # Errors
/// [`crate::error::Error::Config`] for a `model_key` that names a baseline.
pub fn network(config: &Config) -> Result<&'static Network> {
    NETWORKS.iter().find(|network| network.key == config.model_key).ok_or_else(|| {
        let names: Vec<&str> = NETWORKS.iter().map(|network| network.key.name()).collect();
        let [first @ .., last] = names.as_slice() else { return config.key_error("model_key", "names no network") };
        let message = format!("`{}` is a baseline without weights; networks are {} and {last}", config.model_key.name(), first.join(", "));
        config.key_error("model_key", message)
    })
}

/// The inputs that the configured network asks for.
///
/// # Errors
/// Those of [`network`]; lists of inputs that cannot be used.
pub fn inputs(config: &Config) -> Result<Vec<InputSpec>> {
    (network(config)?.inputs)(config)
}

/// The configured network as training begins with it: initial values drawn from `config.seed`. One with the weights of a file is opened
/// by `weights::open`, or, to map arrays, by `predict::Trained::open`.
///
/// # Errors
/// Those of [`untrained_for`].
pub fn untrained(gpu: &Gpu, config: &Config) -> Result<Box<dyn Model>> {
    untrained_for(gpu, config, InputChannels::of(&inputs(config)?))
}

/// As [`untrained`], for inputs of these channels, whatever the configuration asks for; a number is one input.
///
/// # Errors
/// Those of [`network`]; settings that do not fit; out of memory.
pub fn untrained_for(gpu: &Gpu, config: &Config, channels: impl Into<InputChannels>) -> Result<Box<dyn Model>> {
    Ok(precise(config, (network(config)?.build)(gpu, config, &channels.into())?))
}

/// The configured network as a pretraining begins with it: with the heads of its own program for the objective where it has some, else with
/// so many channels of its output.
///
/// # Errors
/// Those of [`untrained`]; [`crate::error::Error::Config`] for a network that has no tokens to hide.
pub fn unpretrained(gpu: &Gpu, config: &Config, channels: usize) -> Result<Box<dyn Model>> {
    let network = network(config)?;
    match (config.objective, network.pretraining) {
        (Objective::OptSimMim | Objective::OptTranslator, Some(build)) => {
            Ok(precise(config, build(gpu, config, &InputChannels::of(&inputs(config)?))?))
        }
        (Objective::OptSimMim, None) => {
            let message = format!("is {}, and optsimmim hides tokens, which tyrion has; take that, or opttranslator", network.key.name());
            Err(config.key_error("model_key", message))
        }
        _ => untrained(gpu, &Config { out_channels: channels, out_activation: Activation::None, ..config.clone() }),
    }
}

/// Refuses tiles (rows, columns) that the configured network cannot take, before it is built.
///
/// # Errors
/// [`crate::error::Error::Config`] with the nearest size that fits.
pub fn check_tile(config: &Config, tile: [usize; 2]) -> Result<()> {
    (network(config)?.misfit)(config, tile).map_or(Ok(()), |message| Err(config.key_error("img_size", message)))
}
