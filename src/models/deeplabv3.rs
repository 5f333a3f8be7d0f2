//! DeepLabv3+ (Chen et al. 2018, arXiv 1802.02611) on the Xception71 encoder: atrous spatial pyramid pooling over its output, up-sampled
//! and joined with 48 channels of its features at stride 4.

use std::rc::Rc;

use serde_json::json;

use super::xception::{self, WIDTHS, Xception71};
use crate::autograd::Tape;
use crate::config::{Config, ModelKey};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::models::{Inputs, Model, Network, Outputs, Recognised, Shapes};
use crate::nn::{Builder, Conv2d, ConvNorm, Dropout, Init, Mode, ParameterSet};
use crate::ops::{self, Activation, Interpolation, Target};
use crate::tensor::Tensor;

/// The network's entry in the table.
pub(super) const NETWORK: Network = Network {
    key: ModelKey::DeepLabV3,
    build: |gpu, config, channels| Ok(Box::new(DeepLabV3Plus::new(gpu, config, channels.only()?)?)),
    check_training,
    misfit: |config, tile| misfit(config.encoder_output_stride, tile),
    recognise,
    has_encoder: true,
    first: Some(xception::FIRST),
    encoder: &["encoder"],
    ..Network::PLAIN
};

fn check_training(config: &Config) -> Result<()> {
    if !(config.batch_norm && config.batch_size == 1) {
        return Ok(());
    }
    let message = "is 1, but deeplabv3 with `batch_norm: true` cannot be trained on one crop: its pooling branch would have a single \
                   value a channel; use 2 or more, or `batch_norm: false`";
    Err(config.key_error("batch_size", message))
}

fn recognise(dict: &Shapes) -> Option<Recognised> {
    let width = dict.axis("decoder.aspp.0.convs.0.0.weight", 0)?;
    // At output stride 8 the fourth block keeps size and width, so that its shortcut is an identity.
    let stride = if dict.has("encoder.model.blocks_4.shortcut.conv.weight") { 16 } else { 8 };
    let keys = [
        ("batch_norm", json!(dict.has("decoder.aspp.0.convs.0.1.weight"))),
        ("decoder_channels", json!(width)),
        ("encoder_output_stride", json!(stride)),
        ("out_channels", json!(dict.axis("segmentation_head.0.weight", 0)?)),
    ];
    Some(Recognised::new("deeplabv3", dict.axis("encoder.model.stem_0.conv.weight", 1)?, keys))
}

/// eps of the decoder's batch norms, PyTorch's default.
const EPS: f32 = 1e-5;
/// Channels of the features at stride 4 that the decoder uses.
const FINE_WIDTH: usize = 48;
/// Share that the pyramid drops in training, fixed by the reference.
const DROPOUT: f64 = 0.5;

/// Bilinear resampling with aligned corners, the only one of this network.
fn resize(tape: &Tape, x: &Tensor, size: [usize; 2]) -> Result<Tensor> {
    ops::interpolate(tape, x, Target::Size(size), Interpolation::BilinearAligned)
}

/// Rows and columns.
fn size(x: &Tensor) -> Result<[usize; 2]> {
    x.nchw("deeplabv3").map(|[_, _, h, w]| [h, w])
}

/// Why tiles of this size do not fit, if they do not.
fn misfit(output_stride: usize, [h, w]: [usize; 2]) -> Option<String> {
    let good = [h, w].map(|side| ((side + output_stride / 2) / output_stride).max(1) * output_stride);
    (good != [h, w]).then(|| {
        format!(
            "tiles of {h} × {w} pixels do not fit: at encoder_output_stride {output_stride} both sides must be multiples of \
             {output_stride}, so that the decoder's maps meet those at stride 4; the nearest img_size is {good:?}"
        )
    })
}

/// What is alike in all layers of the decoder.
#[derive(Clone, Copy)]
struct Style {
    batch_norm: bool,
    activation: Activation,
}

/// 1×1 convolution, or a depthwise 3×3 one and then the 1×1 → batch norm, where there is one → activation.
struct DecoderConv {
    depthwise: Option<Conv2d>,
    pointwise: ConvNorm,
    activation: Activation,
}

impl DecoderConv {
    /// Layers named `conv` and `norm`.
    fn plain(b: &mut Builder, [conv, norm]: [&str; 2], [c_in, c_out]: [usize; 2], style: Style) -> Result<Self> {
        let pointwise = match style.batch_norm {
            true => b.conv_norm([conv, norm], [c_in, c_out], 1, Default::default(), EPS)?,
            false => b.conv2d(conv, c_in, c_out, 1, Default::default(), false)?.into(),
        };
        Ok(DecoderConv { depthwise: None, pointwise, activation: style.activation })
    }

    /// Layers named `conv.0`, `conv.1` and `norm`.
    fn separable(b: &mut Builder, [conv, norm]: [&str; 2], [c_in, c_out]: [usize; 2], rate: usize, style: Style) -> Result<Self> {
        let attrs = Conv2dAttrs { padding: rate, dilation: rate, groups: c_in, ..Conv2dAttrs::PLAIN };
        let depthwise = b.conv2d(&format!("{conv}.0"), c_in, c_in, 3, attrs, false)?;
        let plain = DecoderConv::plain(b, [&format!("{conv}.1"), norm], [c_in, c_out], style)?;
        Ok(DecoderConv { depthwise: Some(depthwise), ..plain })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let x = match &self.depthwise {
            Some(depthwise) => &depthwise.forward(tape, x, Activation::None)?,
            None => x,
        };
        self.pointwise.forward(tape, x, mode, self.activation)
    }
}

/// Atrous spatial pyramid pooling: what pixels see at several rates and in the mean of the image, side by side and mixed.
struct Aspp {
    convs: Vec<DecoderConv>,
    pooling: DecoderConv,
    project: DecoderConv,
    dropout: Dropout,
}

impl Aspp {
    fn new(b: &mut Builder, name: &str, [c_in, c_out]: [usize; 2], config: &Config, style: Style) -> Result<Self> {
        let names = |inner: &str, first: usize| [0, 1].map(|i| format!("{name}.{inner}.{}", first + i));
        let [conv, norm] = names("convs.0", 0);
        let mut convs = vec![DecoderConv::plain(b, [&conv, &norm], [c_in, c_out], style)?];
        for (i, &rate) in config.decoder_atrous_rates.iter().enumerate() {
            let [conv, norm] = names(&format!("convs.{}", i + 1), 0);
            convs.push(DecoderConv::separable(b, [&conv, &norm], [c_in, c_out], rate, style)?);
        }
        let [conv, norm] = names(&format!("convs.{}", convs.len()), 1);
        let pooling = DecoderConv::plain(b, [&conv, &norm], [c_in, c_out], style)?;
        let [conv, norm] = names("project", 0);
        let project = DecoderConv::plain(b, [&conv, &norm], [(convs.len() + 1) * c_out, c_out], style)?;
        Ok(Aspp { convs, pooling, project, dropout: b.dropout(config.dropout.unwrap_or(DROPOUT)) })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let mut branches = self.convs.iter().map(|conv| conv.forward(tape, x, mode)).collect::<Result<Vec<_>>>()?;
        let mean = self.pooling.forward(tape, &ops::adaptive_avg_pool2d(tape, x)?, mode)?;
        branches.push(resize(tape, &mean, size(x)?)?);
        let joined = ops::cat(tape, &branches.iter().collect::<Vec<_>>())?;
        self.dropout.forward(tape, &self.project.forward(tape, &joined, mode)?, mode)
    }
}

/// The network.
pub struct DeepLabV3Plus {
    encoder: Xception71,
    aspp: Rc<Aspp>,
    after_aspp: Rc<DecoderConv>,
    /// 1×1 on the features at stride 4.
    block1: DecoderConv,
    /// On both together.
    block2: Rc<DecoderConv>,
    head: Conv2d,
    output_stride: usize,
    upsampling: usize,
    batch_norm: bool,
    out_activation: Activation,
    parameters: ParameterSet,
}

impl DeepLabV3Plus {
    /// Builds the network of a configuration: `encoder_name`, `encoder_depth`, `encoder_output_stride`, `decoder_channels`,
    /// `decoder_atrous_rates`, `batch_norm`, `activation`, `upsampling`, `out_channels`, `out_activation`.
    ///
    /// # Errors
    /// [`Error::Config`] for another encoder, depth or output stride, or several decoder widths; out of memory.
    pub fn new(gpu: &Gpu, config: &Config, in_channels: usize) -> Result<Self> {
        let output_stride = config.encoder_output_stride;
        if ![8, 16].contains(&output_stride) {
            let nearest = if output_stride < 12 { 8 } else { 16 };
            let message = format!("is {output_stride}, but must be 8 (finer) or 16 (faster); {nearest} is the nearest");
            return Err(config.key_error("encoder_output_stride", message));
        }
        let &[width] = config.decoder_channels.as_slice() else {
            let message = format!("is {:?}, but deeplabv3 has one width; 256 is the reference's", config.decoder_channels);
            return Err(config.key_error("decoder_channels", message));
        };
        let style = Style { batch_norm: config.batch_norm, activation: config.activation };
        let mut b = Builder::new(gpu, config.seed);
        let encoder = Xception71::new(&mut b, config, in_channels, output_stride)?;
        b.initialise(Init::KaimingRelu);
        let aspp = Aspp::new(&mut b, "decoder.aspp.0", [WIDTHS[4], width], config, style)?;
        let after_aspp = DecoderConv::separable(&mut b, ["decoder.aspp.1", "decoder.aspp.2"], [width, width], 1, style)?;
        let block1 = DecoderConv::plain(&mut b, ["decoder.block1.0", "decoder.block1.1"], [WIDTHS[1], FINE_WIDTH], style)?;
        let block2 = DecoderConv::separable(&mut b, ["decoder.block2.0", "decoder.block2.1"], [width + FINE_WIDTH, width], 1, style)?;
        b.initialise(Init::Xavier);
        let head = b.conv2d("segmentation_head.0", width, config.out_channels, 1, Default::default(), true)?;
        Ok(DeepLabV3Plus {
            encoder,
            aspp: Rc::new(aspp),
            after_aspp: Rc::new(after_aspp),
            block1,
            block2: Rc::new(block2),
            head,
            output_stride,
            upsampling: config.upsampling,
            batch_norm: config.batch_norm,
            out_activation: config.out_activation,
            parameters: b.finish(),
        })
    }

    fn check(&self, input: &Tensor, mode: Mode) -> Result<()> {
        let [n, _, h, w] = input.nchw("deeplabv3")?;
        if let Some(message) = misfit(self.output_stride, [h, w]) {
            return Err(Error::shape("deeplabv3", message));
        }
        if n == 1 && mode.is_training() && self.batch_norm {
            let message = "a batch of one crop cannot be trained with batch_norm: true, because the pooling branch then has a single value a \
                           channel, whose variance is 0; set batch_size to 2 or more, or batch_norm: false";
            return Err(Error::shape("deeplabv3", message));
        }
        Ok(())
    }
}

impl Model for DeepLabV3Plus {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let input = inputs.only()?;
        self.check(input, mode)?;
        let features = self.encoder.forward(tape, input, mode)?;
        let fine = self.block1.forward(tape, &features.taps[1], mode)?;
        let (aspp, after_aspp) = (self.aspp.clone(), self.after_aspp.clone());
        let x = tape.segment(move |tape| {
            let x = aspp.forward(tape, &features.output, mode)?;
            after_aspp.forward(tape, &x, mode)
        })?;
        let block2 = self.block2.clone();
        let x = tape.segment(move |tape| {
            let x = resize(tape, &x, size(&fine)?)?;
            block2.forward(tape, &ops::cat(tape, &[&x, &fine])?, mode)
        })?;
        let x = self.head.forward(tape, &x, Activation::None)?;
        let x = resize(tape, &x, size(&x)?.map(|side| side * self.upsampling))?;
        Ok(ops::activation(tape, self.out_activation, &x)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}
