//! The vision transformer (Dosovitskiy et al. 2021, arXiv 2010.11929), without a class token and with a second GELU behind each MLP.

use std::rc::Rc;

use super::layers::{EPS, Settings};
use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::kernels::conv2d::Conv2dAttrs;
use crate::nn::{Builder, Conv2d, Dropout, LayerNorm, Linear, Mode};
use crate::ops::{self, Activation, AttentionAttrs};
use crate::tensor::Tensor;

/// Standard deviation of the first positional embedding.
const EMBEDDING_STD: f32 = 0.05;

struct Block {
    norm1: LayerNorm,
    qkv: Linear,
    proj: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    dropouts: [Dropout; 2],
    heads: usize,
}

impl Block {
    fn new(b: &mut Builder, index: usize, settings: &Settings) -> Result<Block> {
        let &Settings { width, hidden, heads, .. } = settings;
        let name = |part: &str| format!("vit.blocks.{index}.{part}");
        // Keras counts the kernels of attention as [width, heads, dim] and [heads, dim, width].
        Ok(Block {
            norm1: b.layer_norm(&name("norm1"), width, EPS)?,
            qkv: b.linear(&name("attn.qkv"), [width, 3 * width], [width * heads, width / heads * width])?,
            proj: b.linear(&name("attn.proj"), [width, width], [width, width * heads])?,
            norm2: b.layer_norm(&name("norm2"), width, EPS)?,
            fc1: b.linear(&name("mlp.fc1"), [width, hidden], [width, hidden])?,
            fc2: b.linear(&name("mlp.fc2"), [hidden, width], [hidden, width])?,
            dropouts: [b.dropout(settings.dropout), b.dropout(settings.dropout)],
            heads,
        })
    }

    /// softmax(q kᵀ / √dim) v of every head, the heads side by side again.
    fn attention(&self, tape: &Tape, x: &Tensor) -> Result<Tensor> {
        let &[n, tokens, width] = x.shape().dims() else { return Err(Error::shape("glavitu", "tokens have three axes")) };
        let dim = width / self.heads;
        let of_heads = |index: usize| -> Result<Tensor> {
            let rows = self.qkv.part(tape, x, index, 3)?;
            ops::transpose(tape, &ops::reshape(tape, &rows, [n, tokens, self.heads, dim])?)
        };
        let (q, k, v) = (of_heads(0)?, of_heads(1)?, of_heads(2)?);
        let attrs = AttentionAttrs::scaled(1.0 / (dim as f32).sqrt());
        let seen = ops::scaled_dot_product_attention(tape, &q, &k, &v, None, attrs)?;
        ops::reshape(tape, &ops::transpose(tape, &seen)?, [n, tokens, width])
    }

    fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let seen = self.attention(tape, &self.norm1.forward(tape, x)?)?;
        let x = ops::add(tape, x, &self.proj.forward(tape, &seen, Activation::None)?)?;
        let [first, second] = &self.dropouts;
        let inner = self.fc1.forward(tape, &self.norm2.forward(tape, &x)?, Activation::Gelu)?;
        let outer = self.fc2.forward(tape, &first.forward(tape, &inner, mode)?, Activation::Gelu)?;
        ops::add(tape, &x, &second.forward(tape, &outer, mode)?)
    }
}

/// The transformer: maps to tokens, blocks, and tokens to smaller maps.
pub(super) struct Vit {
    patch_embed: Conv2d,
    pos_embed: Tensor,
    blocks: Vec<Rc<Block>>,
}

impl Vit {
    pub(super) fn new(b: &mut Builder, settings: &Settings) -> Result<Vit> {
        let &Settings { width, patch, size, blocks, .. } = settings;
        let attrs = Conv2dAttrs { stride: patch, ..Default::default() };
        let patch_embed = b.conv2d_of_fans("vit.patch_embed", [width, width], patch, attrs, true, [width * patch * patch, width])?;
        let tokens = (size[0] / patch) * (size[1] / patch);
        let pos_embed = b.normal("vit.pos_embed", [1, tokens, width], EMBEDDING_STD)?;
        let blocks = (0..blocks).map(|index| Block::new(b, index, settings).map(Rc::new)).collect::<Result<_>>()?;
        Ok(Vit { patch_embed, pos_embed, blocks })
    }

    /// `[n, width, h / patch, w / patch]`.
    pub(super) fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let map = self.patch_embed.forward(tape, x, Activation::None)?;
        let [n, c, h, w] = map.nchw("glavitu")?;
        let tokens = ops::transpose(tape, &ops::reshape(tape, &map, [n, c, h * w])?)?;
        let mut x = ops::add_row(tape, &tokens, &self.pos_embed)?;
        for block in &self.blocks {
            let (block, tokens) = (block.clone(), x);
            x = tape.segment(move |tape| block.forward(tape, &tokens, mode))?;
        }
        ops::reshape(tape, &ops::transpose(tape, &x)?, [n, c, h, w])
    }
}
