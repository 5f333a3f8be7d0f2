//! Xception71, the encoder of unet_smp and deeplabv3: 23 blocks of depthwise separable convolutions with residual connections.
//!
//! Sources: Chollet 2017, arXiv 1610.02357; the deeper, "aligned" form with strided separable convolutions instead of pooling: Chen et
//! al. 2018, arXiv 1802.02611, section 3.2. Names are those of timm's `xception71` with `features_only`, as
//! segmentation_models_pytorch wraps it.

use std::rc::Rc;

use crate::autograd::Tape;
use crate::config::Config;
use crate::error::Result;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::models::{Recognised, Shapes};
use crate::nn::{Builder, ConvNorm, Mode, Pending};
use crate::ops::{self, Activation};
use crate::tensor::Tensor;

/// The weight that sees the input's channels, in the networks that have this encoder.
pub(super) const FIRST: &str = "encoder.model.stem_0.conv.weight";
/// eps of the encoder's batch norms.
const EPS: f32 = 1e-3;
/// Blocks whose inner maps, before their strided convolution, are features of the encoder.
const TAPPED: [usize; 4] = [0, 2, 4, 21];
/// Channels of the taps, in their order, and of the output.
pub(super) const WIDTHS: [usize; 5] = [128, 256, 728, 1024, 2048];

/// Channels after the three convolutions of each block, and its stride.
fn plan() -> Vec<([usize; 3], usize)> {
    let entry = [([128; 3], 2), ([256; 3], 1), ([256; 3], 2), ([728; 3], 1), ([728; 3], 2)];
    let middle = [([728; 3], 1); 16];
    let exit = [([728, 1024, 1024], 2), ([1536, 1536, 2048], 1)];
    entry.into_iter().chain(middle).chain(exit).collect()
}

/// Dense convolution → batch norm: the stem (3×3, then ReLU) and the shortcuts (1×1).
fn conv_norm(b: &mut Builder, name: &str, widths: [usize; 2], kernel: usize, stride: usize) -> Result<ConvNorm> {
    let attrs = Conv2dAttrs { stride, padding: kernel / 2, ..Default::default() };
    b.conv_norm([&format!("{name}.conv"), &format!("{name}.bn")], widths, kernel, attrs, EPS)
}

/// Depthwise 3×3 → batch norm → pointwise 1×1 → batch norm.
struct SeparableConv {
    depthwise: ConvNorm,
    pointwise: ConvNorm,
}

impl SeparableConv {
    fn new(b: &mut Builder, name: &str, [c_in, c_out]: [usize; 2], stride: usize, dilation: usize) -> Result<Self> {
        let attrs = Conv2dAttrs { stride, padding: dilation, dilation, groups: c_in, ..Conv2dAttrs::PLAIN };
        let names = |suffix: &str| ["conv", "bn"].map(|layer| format!("{name}.{layer}_{suffix}"));
        let [[conv_dw, bn_dw], [conv_pw, bn_pw]] = [names("dw"), names("pw")];
        let depthwise = b.conv_norm([&conv_dw, &bn_dw], [c_in; 2], 3, attrs, EPS)?;
        let pointwise = b.conv_norm([&conv_pw, &bn_pw], [c_in, c_out], 1, Conv2dAttrs::default(), EPS)?;
        Ok(SeparableConv { depthwise, pointwise })
    }

    /// `inner` follows the first norm, `outer` the second.
    fn follow(&self, tape: &Tape, x: Pending, mode: Mode, [inner, outer]: [Activation; 2]) -> Result<Pending<'_>> {
        self.pointwise.follow(tape, self.depthwise.follow(tape, x, mode, inner)?, mode, outer)
    }
}

/// What a block adds to its convolutions' result.
enum Skip {
    /// Its input.
    Identity,
    /// Its input through a 1×1 convolution, where channels or size change.
    Shortcut(Box<ConvNorm>),
    /// Nothing: the last block, whose ReLUs follow every norm instead of preceding every convolution.
    None,
}

/// Three separable convolutions and a residual connection.
struct Block {
    stack: [SeparableConv; 3],
    skip: Skip,
}

impl Block {
    fn new(b: &mut Builder, name: &str, c_in: usize, widths: [usize; 3], stride: usize, dilation: usize, last: bool) -> Result<Self> {
        let skip = match last {
            true => Skip::None,
            false if c_in == widths[2] && stride == 1 => Skip::Identity,
            false => Skip::Shortcut(Box::new(conv_norm(b, &format!("{name}.shortcut"), [c_in, widths[2]], 1, stride)?)),
        };
        let mut conv =
            |i: usize, c_in, stride| SeparableConv::new(b, &format!("{name}.stack.conv{i}"), [c_in, widths[i - 1]], stride, dilation);
        Ok(Block { stack: [conv(1, c_in, 1)?, conv(2, widths[0], 1)?, conv(3, widths[1], stride)?], skip })
    }

    /// The maps before the last convolution.
    fn tap(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Pending<'_>> {
        let [conv1, conv2, _] = &self.stack;
        let (none, relu) = (Activation::None, Activation::Relu);
        // Each convolution's ReLU is computed with the norm before it; only the first has none to go with.
        let (first, inner) = if let Skip::None = self.skip { (none, relu) } else { (relu, none) };
        let h = conv1.follow(tape, Pending::activated(x, first), mode, [inner, relu])?;
        conv2.follow(tape, h, mode, [inner, relu])
    }

    /// The output, from the input and its [`Block::tap`].
    fn output(&self, tape: &Tape, x: &Tensor, tap: Pending, mode: Mode) -> Result<Tensor> {
        let [.., conv3] = &self.stack;
        let (none, relu) = (Activation::None, Activation::Relu);
        let skip = match &self.skip {
            Skip::None => return conv3.follow(tape, tap, mode, [relu, relu])?.tensor(tape),
            Skip::Shortcut(shortcut) => shortcut.forward(tape, x, mode, none)?,
            Skip::Identity => x.clone(),
        };
        ops::add(tape, &conv3.follow(tape, tap, mode, [none, none])?.tensor(tape)?, &skip)
    }
}

/// What the encoder finds in an image.
pub(super) struct Features {
    /// 128, 256, 728 and 1024 channels at strides 2, 4, 8 and 16, the last ones at most at the output stride.
    pub(super) taps: Vec<Tensor>,
    /// 2048 channels at the output stride.
    pub(super) output: Tensor,
}

/// The encoder. Stem and blocks are [`Tape::segment`]s; those with a tap are two.
pub(super) struct Xception71 {
    stem: Rc<[ConvNorm; 2]>,
    blocks: Vec<Rc<Block>>,
}

impl Xception71 {
    /// The encoder with an output stride of 8, 16 or 32: where the stride is reached, later blocks have stride 1 and those behind them
    /// dilated convolutions instead.
    ///
    /// # Errors
    /// [`crate::error::Error::Config`] for another encoder or depth; out of memory.
    pub(super) fn new(b: &mut Builder, config: &Config, in_channels: usize, output_stride: usize) -> Result<Self> {
        if config.encoder_name != "tu-xception71" {
            let message = format!("is `{}`; the only encoder here is `tu-xception71`", config.encoder_name);
            return Err(config.key_error("encoder_name", message));
        }
        if config.encoder_depth != 5 {
            let message =
                format!("is {}, but the decoders here use all five stages of the encoder; write `encoder_depth: 5`", config.encoder_depth);
            return Err(config.key_error("encoder_depth", message));
        }
        let name = "encoder.model";
        let stem_0 = conv_norm(b, &format!("{name}.stem_0"), [in_channels, 32], 3, 2)?;
        let stem_1 = conv_norm(b, &format!("{name}.stem_1"), [32, 64], 3, 1)?;
        let (mut c_in, mut reached, mut dilation) = (64, 2, 1);
        let plan = plan();
        let mut blocks = Vec::new();
        for (i, &(widths, stride)) in plan.iter().enumerate() {
            let strided = stride > 1 && reached < output_stride;
            let last = i + 1 == plan.len();
            let block = Block::new(b, &format!("{name}.blocks_{i}"), c_in, widths, if strided { stride } else { 1 }, dilation, last)?;
            blocks.push(Rc::new(block));
            c_in = widths[2];
            match strided {
                true => reached *= stride,
                false => dilation *= stride,
            }
        }
        Ok(Xception71 { stem: Rc::new([stem_0, stem_1]), blocks })
    }

    /// # Shapes
    /// input `[n, in_channels, h, w]`; sides of the features are h and w over their strides, rounded up.
    ///
    /// # Errors
    /// Shapes that do not fit; in training a single value a channel; out of memory.
    pub(super) fn forward(&self, tape: &Tape, input: &Tensor, mode: Mode) -> Result<Features> {
        let (stem, image) = (self.stem.clone(), input.clone());
        let mut x = tape.segment(move |tape| {
            let x = stem[0].follow(tape, (&image).into(), mode, Activation::Relu)?;
            stem[1].follow(tape, x, mode, Activation::Relu)?.tensor(tape)
        })?;
        let mut taps = Vec::new();
        for (i, block) in self.blocks.iter().enumerate() {
            let block = block.clone();
            x = if TAPPED.contains(&i) {
                let (half, image) = (block.clone(), x.clone());
                let tap = tape.segment(move |tape| half.tap(tape, &image, mode)?.tensor(tape))?;
                taps.push(tap.clone());
                tape.segment(move |tape| block.output(tape, &x, (&tap).into(), mode))?
            } else {
                tape.segment(move |tape| block.output(tape, &x, block.tap(tape, &x, mode)?, mode))?
            };
        }
        Ok(Features { taps, output: x })
    }
}

/// Tells the weight file of an encoder alone.
pub(super) fn recognise(dict: &Shapes) -> Option<Recognised> {
    let names = ["encoder.model.stem_0.conv.weight", "stem_0.conv.weight", "stem.0.conv.weight"];
    let first = names.into_iter().find(|name| dict.has(name))?;
    Some(Recognised::new("xception71", dict.axis(first, 1)?, []))
}
