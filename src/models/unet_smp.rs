//! UNet (Ronneberger, Fischer and Brox 2015, arXiv 1505.04597) with the Xception71 encoder, as `segmentation_models_pytorch.Unet` builds
//! it: five decoder blocks that each double their maps by nearest neighbours, join the encoder's features and convolve twice.

use std::rc::Rc;

use serde_json::json;

use super::xception::{self, WIDTHS, Xception71};
use crate::autograd::Tape;
use crate::config::{Config, ModelKey};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::models::{Inputs, Model, Network, Outputs, Recognised, Shapes};
use crate::nn::{Builder, Conv2d, ConvNorm, Init, Mode, ParameterSet};
use crate::ops::{self, Activation, Interpolation, Target};
use crate::tensor::Tensor;

/// The network's entry in the table.
pub(super) const NETWORK: Network = Network {
    key: ModelKey::UnetSmp,
    build: |gpu, config, channels| Ok(Box::new(UNetSmp::new(gpu, config, channels.only()?)?)),
    recognise,
    has_encoder: true,
    first: Some(xception::FIRST),
    encoder: &["encoder"],
    ..Network::PLAIN
};

fn recognise(dict: &Shapes) -> Option<Recognised> {
    dict.axis("decoder.blocks.0.conv1.0.weight", 0)?;
    let blocks = dict.modules("decoder.blocks");
    let widths: Option<Vec<usize>> = (0..blocks).map(|block| dict.axis(&format!("decoder.blocks.{block}.conv1.0.weight"), 0)).collect();
    let keys = [
        ("decoder_channels", json!(widths?)),
        ("decoder_use_batchnorm", json!(dict.has("decoder.blocks.0.conv1.1.weight"))),
        ("out_channels", json!(dict.axis("segmentation_head.0.weight", 0)?)),
    ];
    Some(Recognised::new("unet_smp", dict.axis("encoder.model.stem_0.conv.weight", 1)?, keys))
}

/// eps of the decoder's batch norms, PyTorch's default.
const EPS: f32 = 1e-5;
const SAME_3X3: Conv2dAttrs = Conv2dAttrs { padding: 1, ..Conv2dAttrs::PLAIN };

/// conv 3×3 → batch norm or, without one, bias.
fn conv_norm(b: &mut Builder, name: &str, c_in: usize, c_out: usize, batch_norm: bool) -> Result<ConvNorm> {
    let [conv, norm] = [0, 1].map(|i| format!("{name}.{i}"));
    match batch_norm {
        true => b.conv_norm([&conv, &norm], [c_in, c_out], 3, SAME_3X3, EPS),
        false => b.conv2d(&conv, c_in, c_out, 3, SAME_3X3, true).map(ConvNorm::from),
    }
}

/// Up-sampling to the skip's size, concatenation before the skip, two convolutions with a ReLU each.
struct DecoderBlock {
    conv1: ConvNorm,
    conv2: ConvNorm,
}

impl DecoderBlock {
    fn new(b: &mut Builder, name: &str, c_in: usize, c_out: usize, batch_norm: bool) -> Result<Self> {
        let conv1 = conv_norm(b, &format!("{name}.conv1"), c_in, c_out, batch_norm)?;
        Ok(DecoderBlock { conv1, conv2: conv_norm(b, &format!("{name}.conv2"), c_out, c_out, batch_norm)? })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, skip: Option<&Tensor>, size: [usize; 2], mode: Mode) -> Result<Tensor> {
        let x = ops::interpolate(tape, x, Target::Size(size), Interpolation::Nearest)?;
        let joined: Vec<&Tensor> = [Some(&x), skip].into_iter().flatten().collect();
        let x = self.conv1.follow_cat(tape, &joined, mode, Activation::Relu)?;
        self.conv2.follow(tape, x, mode, Activation::Relu)?.tensor(tape)
    }
}

/// The network. Each block is a [`Tape::segment`].
pub struct UNetSmp {
    encoder: Xception71,
    decoder: Vec<Rc<DecoderBlock>>,
    head: Conv2d,
    out_activation: Activation,
    parameters: ParameterSet,
}

impl UNetSmp {
    /// Builds the network of a configuration: `encoder_name`, `encoder_depth`, `decoder_use_batchnorm`, `decoder_channels`,
    /// `out_channels`, `out_activation`. `activation` has no effect, as in the reference.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`] for another encoder or depth, or not one width a decoder block; out of memory.
    pub fn new(gpu: &Gpu, config: &Config, in_channels: usize) -> Result<Self> {
        let mut b = Builder::new(gpu, config.seed);
        let encoder = Xception71::new(&mut b, config, in_channels, 32)?;
        let widths = &config.decoder_channels;
        if widths.len() != WIDTHS.len() || widths.contains(&0) {
            let message =
                format!("is {widths:?}, but must be five widths above 0, one a decoder block: [256, 128, 64, 32, 16] is the reference's");
            return Err(config.key_error("decoder_channels", message));
        }
        b.initialise(Init::KaimingRelu);
        let mut decoder = Vec::new();
        let mut c_in = WIDTHS[4];
        for (i, &c_out) in widths.iter().enumerate() {
            let of_skip = if i < 4 { WIDTHS[3 - i] } else { 0 };
            let block = DecoderBlock::new(&mut b, &format!("decoder.blocks.{i}"), c_in + of_skip, c_out, config.decoder_use_batchnorm)?;
            decoder.push(Rc::new(block));
            c_in = c_out;
        }
        b.initialise(Init::Xavier);
        let head = b.conv2d("segmentation_head.0", c_in, config.out_channels, 3, SAME_3X3, true)?;
        Ok(UNetSmp { encoder, decoder, head, out_activation: config.out_activation, parameters: b.finish() })
    }
}

impl Model for UNetSmp {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let input = inputs.only()?;
        let [_, _, h, w] = input.nchw("unet_smp")?;
        let mut features = self.encoder.forward(tape, input, mode)?;
        let mut x = features.output;
        for block in &self.decoder {
            // The last block goes back to the input's own size, without a skip.
            let skip = features.taps.pop();
            let size = match &skip {
                Some(skip) => skip.nchw("unet_smp").map(|[_, _, h, w]| [h, w])?,
                None => [h, w],
            };
            let block = block.clone();
            x = tape.segment(move |tape| block.forward(tape, &x, skip.as_ref(), size, mode))?;
        }
        Ok(self.head.forward(tape, &x, self.out_activation)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}
