//! The residual U-Net: two convolutions and a projection a block, halvings by pooling, doublings by nearest pixels and a 2×2 convolution.

use std::rc::Rc;

use super::layers::{ConvBias, EPS, LEAKY, Settings, conv1};
use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::kernels::conv2d::Conv2dAttrs;
use crate::nn::{BatchNorm2d, Builder, Conv2d, Dropout, Mode};
use crate::ops::{self, Activation, Interpolation, Sides, Target, Window};
use crate::tensor::Tensor;

struct Block {
    first: ConvBias,
    second: ConvBias,
    dropout: Dropout,
    proj: Conv2d,
}

impl Block {
    fn new(b: &mut Builder, name: &str, [c_in, c]: [usize; 2], dropout: f64) -> Result<Block> {
        let part = |part: &str| format!("{name}.{part}");
        Ok(Block {
            first: ConvBias::new(b, [&part("conv1"), &part("bn1")], [c_in, c])?,
            second: ConvBias::new(b, [&part("conv2"), &part("bn2")], [c, c])?,
            dropout: b.dropout(dropout),
            proj: conv1(b, &part("proj"), c_in, c, false)?,
        })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let y = self.first.forward(tape, x, mode, LEAKY)?;
        let y = self.dropout.of_maps(tape, &self.second.forward(tape, &y, mode, LEAKY)?, mode)?;
        ops::add(tape, &y, &self.proj.forward(tape, x, Activation::None)?)
    }
}

/// Doubling, and the block that joins it with the skip.
struct Up {
    conv: Conv2d,
    norm: BatchNorm2d,
    block: Block,
}

impl Up {
    fn new(b: &mut Builder, index: usize, [c_in, c]: [usize; 2], dropout: f64) -> Result<Up> {
        Ok(Up {
            conv: b.conv2d(&format!("resunet.up.{index}.conv"), c_in, c, 2, Conv2dAttrs::default(), false)?,
            norm: b.batch_norm2d(&format!("resunet.up.{index}.bn"), c, EPS)?,
            block: Block::new(b, &format!("resunet.decoder.{index}"), [2 * c, c], dropout)?,
        })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, skip: &Tensor, mode: Mode) -> Result<Tensor> {
        let [_, _, h, w] = x.nchw("glavitu")?;
        let twice = ops::interpolate(tape, x, Target::Size([2 * h, 2 * w]), Interpolation::Nearest)?;
        // A kernel of two pixels keeps the size with one row and one column of zeros behind.
        let framed = ops::pad(tape, &twice, Sides { top: 0, bottom: 1, left: 0, right: 1 })?;
        let up = self.norm.forward(tape, &self.conv.forward(tape, &framed, Activation::None)?, mode, Activation::None)?;
        self.block.forward(tape, &ops::cat(tape, &[&up, skip])?, mode)
    }
}

/// The network.
pub(super) struct ResUNet {
    encoder: Vec<Rc<Block>>,
    up: Vec<Rc<Up>>,
    head: Conv2d,
}

impl ResUNet {
    pub(super) fn new(b: &mut Builder, settings: &Settings) -> Result<ResUNet> {
        let (width, steps, dropout) = (settings.width, settings.resunet_steps, settings.dropout);
        let of = |step: usize| width << step;
        let mut encoder = Vec::new();
        for step in 0..=steps {
            let sizes = [of(step.saturating_sub(1)), of(step)];
            encoder.push(Rc::new(Block::new(b, &format!("resunet.encoder.{step}"), sizes, dropout)?));
        }
        let mut up = Vec::new();
        for index in 0..steps {
            up.push(Rc::new(Up::new(b, index, [of(steps - index), of(steps - index - 1)], dropout)?));
        }
        Ok(ResUNet { encoder, up, head: conv1(b, "resunet.head", width, width, true)? })
    }

    pub(super) fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let (mut x, mut skips) = (x.clone(), Vec::new());
        for (step, block) in self.encoder.iter().enumerate() {
            let (block, input) = (block.clone(), x);
            x = tape.segment(move |tape| {
                let halved = match step {
                    0 => input.clone(),
                    _ => ops::max_pool2d(tape, &input, Window { kernel: 2, stride: 2, padding: 0 })?,
                };
                block.forward(tape, &halved, mode)
            })?;
            skips.push(x.clone());
        }
        skips.pop();
        for up in &self.up {
            let skip = skips.pop().ok_or_else(|| Error::shape("glavitu", "more doublings than halvings"))?;
            let (up, input) = (up.clone(), x);
            x = tape.segment(move |tape| up.forward(tape, &input, &skip, mode))?;
        }
        self.head.forward(tape, &x, Activation::None)
    }
}
