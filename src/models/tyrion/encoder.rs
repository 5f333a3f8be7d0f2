//! The encoder: patches to tokens, four stages of blocks, and two by two tokens merged between them.

use std::rc::Rc;

use super::attention::{Attention, STD, mask};
use super::settings::Settings;
use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::nn::{Builder, Conv2d, Dropout, LayerNorm, Mode};
use crate::ops::{self, Activation};
use crate::tensor::Tensor;

/// eps of layer norms.
const EPS: f32 = 1e-5;

/// Pixels to tokens: a convolution whose strides are its size, and a layer norm.
pub(super) struct PatchEmbed {
    proj: Conv2d,
    norm: LayerNorm,
}

impl PatchEmbed {
    pub(super) fn new(b: &mut Builder, name: &str, settings: &Settings) -> Result<PatchEmbed> {
        let attrs = Conv2dAttrs { stride: settings.patch, ..Default::default() };
        Ok(PatchEmbed {
            proj: b.conv2d(&format!("{name}.proj"), 3, settings.embed_dim, settings.patch, attrs, true)?,
            norm: b.layer_norm(&format!("{name}.norm"), settings.embed_dim, EPS)?,
        })
    }

    /// `[n, 3, h, w]` to tokens `[n, h / patch, w / patch, c]`.
    pub(super) fn forward(&self, tape: &Tape, x: &Tensor) -> Result<Tensor> {
        let map = self.proj.forward(tape, x, Activation::None)?;
        self.norm.forward(tape, &to_tokens(tape, &map)?)
    }
}

/// Maps `[n, c, h, w]` as tokens `[n, h, w, c]`.
pub(super) fn to_tokens(tape: &Tape, map: &Tensor) -> Result<Tensor> {
    let [n, c, h, w] = map.nchw("tyrion")?;
    let rows = ops::transpose(tape, &ops::reshape(tape, map, [n, c, h * w])?)?;
    ops::reshape(tape, &rows, [n, h, w, c])
}

/// Tokens `[n, h, w, c]` as maps `[n, c, h, w]`.
pub(super) fn to_maps(tape: &Tape, tokens: &Tensor) -> Result<Tensor> {
    let [n, h, w, c] = tokens.nchw("tyrion")?;
    let planes = ops::transpose(tape, &ops::reshape(tape, tokens, [n, h * w, c])?)?;
    ops::reshape(tape, &planes, [n, c, h, w])
}

/// x + norm1(attention(x)), then x + norm2(mlp(x)): norms are behind the branches.
struct Block {
    attention: Attention,
    norms: [LayerNorm; 2],
    fc1: [Tensor; 2],
    fc2: [Tensor; 2],
    drops: [Dropout; 2],
}

impl Block {
    fn new(b: &mut Builder, name: &str, settings: &Settings, stage: usize, block: usize) -> Result<Block> {
        let (width, (window, shift), tokens) = (settings.width(stage), settings.window(stage, block), settings.tokens(stage));
        if shift > 0 {
            b.derived(&format!("{name}.attn_mask"), move || mask(tokens, window, shift));
        }
        let norm1 = b.layer_norm(&format!("{name}.norm1"), width, EPS)?;
        let attention = Attention::new(b, &format!("{name}.attn"), settings, stage, block)?;
        let norm2 = b.layer_norm(&format!("{name}.norm2"), width, EPS)?;
        let mut dense = |part: &str, c_in: usize, c_out: usize| -> Result<[Tensor; 2]> {
            let name = format!("{name}.mlp.{part}");
            Ok([b.normal(&format!("{name}.weight"), [c_out, c_in], STD)?, b.filled(&format!("{name}.bias"), [c_out], 0.0)?])
        };
        let (fc1, fc2) = (dense("fc1", width, 4 * width)?, dense("fc2", 4 * width, width)?);
        let drop_path = settings.drop_path_of(stage, block);
        Ok(Block { attention, norms: [norm1, norm2], fc1, fc2, drops: [b.dropout(drop_path), b.dropout(drop_path)] })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let [n, h, w, c] = x.nchw("tyrion")?;
        // Whole samples are dropped: the only channel of each.
        let branch = |which: usize, tokens: &Tensor| -> Result<Tensor> {
            let rows = ops::reshape(tape, &self.norms[which].forward(tape, tokens)?, [n, 1, h * w, c])?;
            ops::reshape(tape, &self.drops[which].of_maps(tape, &rows, mode)?, [n, h, w, c])
        };
        let x = ops::add(tape, x, &branch(0, &self.attention.forward(tape, x)?)?)?;
        let inner = ops::linear(tape, &x, &self.fc1[0], Some(&self.fc1[1]), Activation::Gelu)?;
        let outer = ops::linear(tape, &inner, &self.fc2[0], Some(&self.fc2[1]), Activation::None)?;
        ops::add(tape, &x, &branch(1, &outer)?)
    }
}

/// Two by two tokens become one of twice the channels.
struct Merging {
    reduction: Tensor,
    norm: LayerNorm,
}

impl Merging {
    fn new(b: &mut Builder, name: &str, width: usize) -> Result<Merging> {
        let reduction = b.normal(&format!("{name}.reduction.weight"), [2 * width, 4 * width], STD)?;
        Ok(Merging { reduction, norm: b.layer_norm(&format!("{name}.norm"), 2 * width, EPS)? })
    }

    fn forward(&self, tape: &Tape, x: &Tensor) -> Result<Tensor> {
        let rows = ops::space_to_depth(tape, x)?;
        self.norm.forward(tape, &ops::linear(tape, &rows, &self.reduction, None, Activation::None)?)
    }
}

/// Stages of blocks with merging between them.
pub(super) struct Encoder {
    stages: Vec<(Vec<Rc<Block>>, Option<Merging>)>,
}

impl Encoder {
    pub(super) fn new(b: &mut Builder, name: &str, settings: &Settings) -> Result<Encoder> {
        let mut stages = Vec::new();
        for (stage, &depth) in settings.depths.iter().enumerate() {
            let name = format!("{name}.{stage}");
            let mut blocks = Vec::new();
            for block in 0..depth {
                blocks.push(Rc::new(Block::new(b, &format!("{name}.blocks.{block}"), settings, stage, block)?));
            }
            let is_last = stage + 1 == settings.depths.len();
            let merging = (!is_last).then(|| Merging::new(b, &format!("{name}.downsample"), settings.width(stage))).transpose()?;
            stages.push((blocks, merging));
        }
        Ok(Encoder { stages })
    }

    /// What each stage's last block gives, as tokens `[n, h, w, c]`.
    pub(super) fn forward(&self, tape: &Tape, tokens: Tensor, mode: Mode) -> Result<Vec<Tensor>> {
        let (mut x, mut skips) = (tokens, Vec::new());
        for (blocks, merging) in &self.stages {
            for block in blocks {
                let (block, tokens) = (block.clone(), x);
                x = tape.segment(move |tape| block.forward(tape, &tokens, mode))?;
            }
            skips.push(x.clone());
            if let Some(merging) = merging {
                x = merging.forward(tape, &x)?;
            }
        }
        Ok(skips)
    }
}
