//! The network as SSL4SAR pretrains it (Gourmelon et al. 2025, arXiv 2507.01747): what is before its head, and other heads that say the
//! optical scene of a radar scene's place.
//!
//! OptTranslator: a 1×1 convolution to the optical bands. OptSimMIM: hidden tokens are zero behind the embedding's norm; a 1×1 convolution
//! to three channels, an embedding of its own, and of each token a dense layer to the bands of its pixels, ordered row, column, band. The
//! head of classes comes along in state dicts, untrained, and so does `mask_token`, which is zero and stays so.

use super::encoder::{PatchEmbed, to_maps};
use super::{CHANNELS, Settings, Trunk};
use crate::autograd::Tape;
use crate::config::{Config, Objective};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::models::{Inputs, Model, ONLY, OPTICAL_BANDS, Outputs, SEEN};
use crate::nn::{Builder, Conv2d, Mode, ParameterSet};
use crate::ops::{self, Activation};
use crate::tensor::Tensor;

/// Standard deviation of initial weights of dense layers.
const STD: f32 = 0.02;

/// What tokens say of the bands.
struct OfTokens {
    embed: PatchEmbed,
    weight: Tensor,
    bias: Tensor,
}

/// The network of a pretraining.
pub(super) struct Pretraining {
    trunk: Trunk,
    last: Conv2d,
    of_tokens: Option<OfTokens>,
    parameters: ParameterSet,
}

impl Pretraining {
    /// Builds it with values drawn from a configuration's seed, for images of so many channels.
    ///
    /// # Errors
    /// Those of [`Settings::of`] and [`Trunk::new`].
    pub(super) fn new(gpu: &Gpu, config: &Config, channels: usize) -> Result<Pretraining> {
        let settings = Settings::of(config)?;
        let mut b = Builder::new(gpu, config.seed);
        let trunk = Trunk::new(&mut b, &settings, channels)?;
        let hides = config.objective == Objective::OptSimMim;
        let (width, point) = (settings.embed_dim, Default::default());
        let last = b.conv2d("last_model_decoder_layer", width, if hides { CHANNELS } else { OPTICAL_BANDS }, 1, point, true)?;
        let of_tokens = hides.then(|| {
            b.filled("mask_token", [1, 1, width], 0.0)?;
            let said = settings.patch * settings.patch * OPTICAL_BANDS;
            Ok(OfTokens {
                embed: PatchEmbed::new(&mut b, "patch_embed_after_decoder", &settings)?,
                weight: b.normal("decoder.weight", [said, width], STD)?,
                bias: b.filled("decoder.bias", [said], 0.0)?,
            })
        });
        Ok(Pretraining { trunk, last, of_tokens: of_tokens.transpose()?, parameters: b.finish() })
    }
}

/// Tokens `[n, h, w, c]` with those zero for which `seen`, `[n, h · w]`, is 0.
fn hidden(tape: &Tape, tokens: &Tensor, seen: &Tensor) -> Result<Tensor> {
    let [n, h, w, c] = tokens.nchw("tyrion")?;
    let rows = ops::mul_row(tape, &ops::reshape(tape, tokens, [n, h * w, 1, c])?, seen)?;
    ops::reshape(tape, &rows, [n, h, w, c])
}

impl Model for Pretraining {
    /// The bands of each pixel, `[n, bands, h, w]`, or of each token those of its pixels, `[n, patch² · bands, h / patch, w / patch]`.
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let mut tokens = self.trunk.tokens(tape, inputs.get(ONLY)?)?;
        if self.of_tokens.is_some() {
            tokens = hidden(tape, &tokens, inputs.get(SEEN)?)?;
        }
        let map = self.trunk.map(tape, tokens, mode)?;
        let said = self.last.forward(tape, &map, Activation::None)?;
        let Some(OfTokens { embed, weight, bias }) = &self.of_tokens else { return Ok(said.into()) };
        let said = ops::linear(tape, &embed.forward(tape, &said)?, weight, Some(bias), Activation::None)?;
        Ok(to_maps(tape, &said)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}
