//! GlaViTU: glacier outlines from optical, elevation and radar images by a vision transformer and a residual U-Net (Maslov, Persello,
//! Schellenberger and Stein 2025, Nature Communications 16:43, doi 10.1038/s41467-024-54956-x).
//!
//! Features are fused, the transformer looks at all of a tile, its maps and the fused ones go through the U-Net, and a head gives a number
//! a class, of which softmax makes probabilities; an auxiliary head in front of the U-Net is trained along. Norms have eps 1e-3 and move
//! their running statistics by a hundredth; initial values are Glorot's, as Keras counts fans. The published configuration names a dropout
//! of 0.1 that its program never applies in training; here `dropout` applies it, at the places where that program would, and is 0 unless
//! asked for.

mod fusion;
mod layers;
mod location;
mod pup;
mod recognise;
mod resunet;
mod vit;

pub use layers::Settings;

use std::rc::Rc;

use crate::autograd::Tape;
use crate::config::{Config, ModelKey};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::{Form, InputChannels, InputSpec, Inputs, Model, Network, Outputs};
use crate::nn::{Builder, Conv2d, Init, Mode, ParameterSet};
use crate::ops::{self, Activation};
use fusion::Fusion;
use layers::{MOMENTUM, conv1};
use location::Location;
use pup::Pup;
use resunet::ResUNet;
use vit::Vit;

/// The name of the input that says where a tile lies, `[n, numbers]`.
pub const LOCATION: &str = "location";

/// The network's entry in the table.
pub(super) const NETWORK: Network = Network {
    key: ModelKey::Glavitu,
    build: |gpu, config, channels| Ok(Box::new(GlaViTU::new(gpu, &settings(config, channels)?, config.seed)?)),
    inputs: features,
    misfit,
    recognise: recognise::recognise,
    encoder: &["fusion", "location", "vit"],
    ..Network::PLAIN
};

/// One input a variable's files: bands of one variable are the channels of one feature. Where a tile lies comes beside them, as
/// [`LOCATION`].
fn features(config: &Config) -> Result<Vec<InputSpec>> {
    let mut features: Vec<InputSpec> = Vec::new();
    for variable in config.inputs()? {
        if variable.is_scalar() {
            let message = format!("names {}, a number a day; glavitu takes rasters only", variable.name);
            return Err(config.key_error(variable.list(), message));
        }
        match features.iter_mut().find(|feature| feature.name == variable.files_of()) {
            Some(feature) => feature.variables.push(variable),
            None => {
                let name = variable.files_of().to_owned();
                features.push(InputSpec { name, variables: vec![variable], form: Form::Planes });
            }
        }
    }
    match features.is_empty() {
        true => Err(config.key_error("in_keys", "names no input; a network needs one")),
        false => Ok(features),
    }
}

/// The sizes that a configuration asks for, for features of these channels.
///
/// # Errors
/// [`Error::Config`](crate::error::Error::Config) for a width that the heads do not share; those of [`Config::location_numbers`].
pub fn settings(config: &Config, channels: &InputChannels) -> Result<Settings> {
    let width = config.width;
    if !width.is_multiple_of(config.heads) {
        let message = format!("is {}, and `width` = {width} is no multiple of it; give 1, 2 or 4, say", config.heads);
        return Err(config.key_error("heads", message));
    }
    Ok(Settings {
        features: channels.0.clone(),
        location: config.location_numbers()?,
        size: config.img_size,
        width,
        hidden: config.hidden.unwrap_or(4 * width),
        blocks: config.blocks,
        heads: config.heads,
        patch: config.patch,
        resunet_steps: config.resunet_steps,
        classes: config.out_channels,
        auxiliary: config.deep_supervision.then_some(config.auxiliary_weight as f32),
        dropout: config.dropout.unwrap_or(0.0),
    })
}

/// Tiles are those of the positional embedding, and divide into patches and halvings.
fn misfit(config: &Config, tile: [usize; 2]) -> Option<String> {
    if tile != config.img_size {
        return Some(format!(
            "is {:?}, for which the network has its positions, and tiles of {tile:?} (rows, columns) were asked for; both must be equal",
            config.img_size
        ));
    }
    let halved = 1 << config.resunet_steps;
    if tile.iter().all(|side| side.is_multiple_of(config.patch) && side.is_multiple_of(halved)) {
        return None;
    }
    let fits = |side: &usize| side.is_multiple_of(config.patch) && side.is_multiple_of(halved);
    let near = tile.map(|side| (side.max(1)..).find(fits).unwrap_or(side));
    let steps = config.resunet_steps;
    Some(format!(
        "is {tile:?}, and sides must be multiples of `patch` = {} and of {halved} (resunet_steps {steps}): {near:?}",
        config.patch
    ))
}

/// The network.
pub struct GlaViTU {
    fusion: Rc<Fusion>,
    location: Option<Location>,
    vit: Vit,
    pup: Rc<Pup>,
    auxiliary: Option<(f32, Conv2d)>,
    resunet: ResUNet,
    head: Conv2d,
    parameters: ParameterSet,
}

impl GlaViTU {
    /// Builds the network with values drawn from a seed.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(gpu: &Gpu, settings: &Settings, seed: u64) -> Result<GlaViTU> {
        let mut b = Builder::new(gpu, seed);
        b.initialise(Init::Xavier);
        b.momentum(MOMENTUM);
        let (width, classes) = (settings.width, settings.classes);
        let fusion = Rc::new(Fusion::new(&mut b, settings)?);
        let location = Location::new(&mut b, settings)?;
        let vit = Vit::new(&mut b, settings)?;
        let pup = Rc::new(Pup::new(&mut b, settings)?);
        let auxiliary = settings.auxiliary.map(|weight| Ok((weight, conv1(&mut b, "aux_head", width, classes, true)?))).transpose()?;
        let resunet = ResUNet::new(&mut b, settings)?;
        let head = conv1(&mut b, "head", width, classes, true)?;
        Ok(GlaViTU { fusion, location, vit, pup, auxiliary, resunet, head, parameters: b.finish() })
    }
}

impl Model for GlaViTU {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let (fusion, given) = (self.fusion.clone(), inputs.clone());
        let mut fused = tape.segment(move |tape| fusion.forward(tape, &given, mode))?;
        if let Some(location) = &self.location {
            let row = location.forward(tape, inputs.get(LOCATION)?, mode)?;
            fused = ops::add_row(tape, &fused, &row)?;
        }
        let tokens = self.vit.forward(tape, &fused, mode)?;
        let (pup, skip) = (self.pup.clone(), fused);
        let encoded = tape.segment(move |tape| ops::add(tape, &pup.forward(tape, &tokens, mode)?, &skip))?;
        let mut auxiliary = Vec::new();
        // Only a loss looks at it.
        if let Some((weight, head)) = self.auxiliary.as_ref().filter(|_| mode.is_training() || tape.tracks(&encoded)) {
            auxiliary.push((*weight, head.forward(tape, &encoded, Activation::None)?));
        }
        let refined = self.resunet.forward(tape, &encoded, mode)?;
        let map = self.head.forward(tape, &ops::add(tape, &encoded, &refined)?, Activation::None)?;
        Ok(Outputs { map, auxiliary })
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}
