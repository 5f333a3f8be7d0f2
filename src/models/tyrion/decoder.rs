//! The decoder: residual blocks of group norms and convolutions, up-sampled between them, each beside the encoder's tokens of its size.

use std::rc::Rc;

use super::attention::STD;
use super::encoder::to_maps;
use super::settings::{GROUPS, Settings, TIME_CHANNELS};
use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::nn::{Builder, Conv2d, Dropout, GroupNorm, Mode};
use crate::ops::{self, Activation, Interpolation, Target};
use crate::tensor::Tensor;

const SAME_3X3: Conv2dAttrs = Conv2dAttrs { padding: 1, ..Conv2dAttrs::PLAIN };

/// eps of group norms.
const EPS: f32 = 1e-6;

/// x (or what a 1×1 convolution makes of it) + conv(drop(silu(norm(conv(silu(norm(x))))))).
struct ResBlock {
    norms: [GroupNorm; 2],
    convs: [Conv2d; 2],
    shortcut: Option<Conv2d>,
    dropout: Dropout,
}

impl ResBlock {
    fn new(b: &mut Builder, name: &str, [c_in, c_out]: [usize; 2], dropout: f64) -> Result<ResBlock> {
        let norm1 = b.group_norm(&format!("{name}.norm1"), GROUPS.min(c_in), c_in, EPS)?;
        let conv1 = b.conv2d(&format!("{name}.conv1"), c_in, c_out, 3, SAME_3X3, true)?;
        // In every file, and without an effect: there is no time step.
        b.normal(&format!("{name}.temb_proj.weight"), [c_out, TIME_CHANNELS], STD)?;
        b.filled(&format!("{name}.temb_proj.bias"), [c_out], 0.0)?;
        let norm2 = b.group_norm(&format!("{name}.norm2"), GROUPS.min(c_out), c_out, EPS)?;
        let conv2 = b.conv2d(&format!("{name}.conv2"), c_out, c_out, 3, SAME_3X3, true)?;
        let shortcut = (c_in != c_out).then(|| b.conv2d(&format!("{name}.nin_shortcut"), c_in, c_out, 1, Default::default(), true));
        let (shortcut, dropout) = (shortcut.transpose()?, b.dropout(dropout));
        Ok(ResBlock { norms: [norm1, norm2], convs: [conv1, conv2], shortcut, dropout })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let inner = self.convs[0].forward(tape, &self.norms[0].forward(tape, x, Activation::Silu)?, Activation::None)?;
        let inner = self.dropout.forward(tape, &self.norms[1].forward(tape, &inner, Activation::Silu)?, mode)?;
        let outer = self.convs[1].forward(tape, &inner, Activation::None)?;
        match &self.shortcut {
            None => ops::add(tape, &outer, x),
            Some(shortcut) => ops::add(tape, &outer, &shortcut.forward(tape, x, Activation::None)?),
        }
    }
}

/// A residual block, behind which a map may become twice as large.
struct Level {
    block: ResBlock,
    up: Option<Conv2d>,
}

impl Level {
    fn forward(&self, tape: &Tape, x: &Tensor, skip: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        let x = match skip {
            None => self.block.forward(tape, x, mode)?,
            Some(skip) => self.block.forward(tape, &ops::cat(tape, &[x, &to_maps(tape, skip)?])?, mode)?,
        };
        match &self.up {
            None => Ok(x),
            Some(conv) => {
                let twice = ops::interpolate(tape, &x, Target::Scale(2.0), Interpolation::Nearest)?;
                conv.forward(tape, &twice, Activation::None)
            }
        }
    }
}

/// Levels from the encoder's last tokens to a map of the tile's size.
pub(super) struct Decoder {
    levels: Vec<Rc<Level>>,
}

impl Decoder {
    pub(super) fn new(b: &mut Builder, name: &str, settings: &Settings) -> Result<Decoder> {
        let stages = settings.depths.len();
        let deepest = settings.width(stages - 1);
        // In and out, one level a stage between the first and the last.
        let mut channels = vec![[deepest, deepest]];
        channels.extend((0..stages).rev().map(|stage| {
            let width = settings.width(stage);
            [2 * width, if stage == 0 { width } else { width / 2 }]
        }));
        channels.push([settings.embed_dim; 2]);
        let mut levels = Vec::new();
        for (index, channels) in channels.into_iter().enumerate() {
            let name = format!("{name}.{index}");
            let block = ResBlock::new(b, &format!("{name}.block"), channels, settings.dropout)?;
            let is_first = index == 0;
            let up = (!is_first).then(|| b.conv2d(&format!("{name}.up.conv"), channels[1], channels[1], 3, SAME_3X3, true)).transpose()?;
            levels.push(Rc::new(Level { block, up }));
        }
        Ok(Decoder { levels })
    }

    /// What the last level gives for the tokens of every stage: `[n, embed_dim, h, w]`.
    pub(super) fn forward(&self, tape: &Tape, skips: Vec<Tensor>, mode: Mode) -> Result<Tensor> {
        let Some(deepest) = skips.last() else { return Err(crate::error::Error::shape("tyrion", "no stages")) };
        let mut x = to_maps(tape, deepest)?;
        let of_levels = [None].into_iter().chain(skips.into_iter().rev().map(Some)).chain([None]);
        for (level, skip) in self.levels.iter().zip(of_levels) {
            let (level, map) = (level.clone(), x);
            x = tape.segment(move |tape| level.forward(tape, &map, skip.as_ref(), mode))?;
        }
        Ok(x)
    }
}
