//! TYRION: calving fronts from one radar image (Gourmelon et al. 2025, "SSL4SAR", IEEE TGRS 63, arXiv 2507.01747): a Swin Transformer V2
//! (Liu et al. 2022, arXiv 2111.09883) as encoder, and a decoder of convolutions.
//!
//! State dicts have the names of the published program below `swin_unet.`. Its buffers follow from the tile's size: they are written, and
//! files may lack them. `temb_proj` of every decoder block and `outputt` are in every file and never act; no gradient reaches them, so no
//! optimizer moves them. An image of one channel is repeated into the three that the network sees.

mod attention;
mod decoder;
mod encoder;
mod pretraining;
mod recognise;
mod settings;

pub use settings::Settings;

use crate::autograd::Tape;
use crate::config::{Config, ModelKey};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::models::{InputSpec, Inputs, Model, Network, Outputs, one_input};
use crate::nn::{Builder, Conv2d, Mode, ParameterSet};
use crate::ops::{self, Activation};
use crate::tensor::Tensor;
use decoder::Decoder;
use encoder::{Encoder, PatchEmbed};

/// Where the network's entries stand in a state dict.
const ROOT: &str = "swin_unet";
/// Channels that the network sees.
const CHANNELS: usize = 3;

/// The network's entry in the table.
pub(super) const NETWORK: Network = Network {
    key: ModelKey::Tyrion,
    build: |gpu, config, channels| Ok(Box::new(Tyrion::new(gpu, &Settings::of(config)?, config.seed, channels.only()?)?)),
    inputs,
    misfit: settings::misfit,
    recognise: recognise::recognise,
    has_encoder: true,
    encoder: &["swin_unet.patch_embed", "swin_unet.layers"],
    pretraining: Some(|gpu, config, channels| Ok(Box::new(pretraining::Pretraining::new(gpu, config, channels.only()?)?))),
    ..Network::PLAIN
};

/// One input of one or three channels.
fn inputs(config: &Config) -> Result<Vec<InputSpec>> {
    let inputs = one_input(config)?;
    let channels = inputs.iter().map(|input| input.variables.len()).sum::<usize>();
    match channels {
        1 | CHANNELS => Ok(inputs),
        _ => Err(config.key_error("in_keys", format!("names {channels} channels; tyrion sees one, which it repeats, or three"))),
    }
}

/// What a network and its pretraining have in common.
struct Trunk {
    patch_embed: PatchEmbed,
    encoder: Encoder,
    decoder: Decoder,
    head: Conv2d,
}

impl Trunk {
    fn new(b: &mut Builder, settings: &Settings, channels: usize) -> Result<Trunk> {
        if ![1, CHANNELS].contains(&channels) {
            return Err(Error::shape("tyrion", format!("images of {channels} channels; one, which is repeated, or three were expected")));
        }
        let patch_embed = PatchEmbed::new(b, &format!("{ROOT}.patch_embed"), settings)?;
        let encoder = Encoder::new(b, &format!("{ROOT}.layers"), settings)?;
        let target = format!("{ROOT}.pred_target");
        let decoder = Decoder::new(b, &target, settings)?;
        let (last, point) = (settings.depths.len() + 2, Conv2dAttrs::default());
        let head = b.conv2d(&format!("{target}.{last}"), settings.embed_dim, settings.classes, 1, point, true)?;
        // In every file, and without an effect.
        b.conv2d(&format!("{ROOT}.outputt"), settings.embed_dim, settings.classes, 1, point, false)?;
        Ok(Trunk { patch_embed, encoder, decoder, head })
    }

    /// The tokens of an image.
    fn tokens(&self, tape: &Tape, image: &Tensor) -> Result<Tensor> {
        self.patch_embed.forward(tape, &three(tape, image)?)
    }

    /// What the last level before the head gives for them: `[n, embed_dim, h, w]`.
    fn map(&self, tape: &Tape, tokens: Tensor, mode: Mode) -> Result<Tensor> {
        self.decoder.forward(tape, self.encoder.forward(tape, tokens, mode)?, mode)
    }
}

/// The network.
pub struct Tyrion {
    trunk: Trunk,
    out_activation: Activation,
    parameters: ParameterSet,
}

impl Tyrion {
    /// Builds the network with values drawn from a seed, for images of so many channels.
    ///
    /// # Errors
    /// Channels other than one or three; out of memory.
    pub fn new(gpu: &Gpu, settings: &Settings, seed: u64, channels: usize) -> Result<Tyrion> {
        let mut b = Builder::new(gpu, seed);
        let trunk = Trunk::new(&mut b, settings, channels)?;
        Ok(Tyrion { trunk, out_activation: settings.out_activation, parameters: b.finish() })
    }
}

/// The three channels of images.
fn three(tape: &Tape, x: &Tensor) -> Result<Tensor> {
    match x.nchw("tyrion")? {
        [_, 1, ..] => ops::cat(tape, &[x, x, x]),
        _ => Ok(x.clone()),
    }
}

impl Model for Tyrion {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let map = self.trunk.map(tape, self.trunk.tokens(tape, inputs.only()?)?, mode)?;
        Ok(self.trunk.head.forward(tape, &map, self.out_activation)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}
