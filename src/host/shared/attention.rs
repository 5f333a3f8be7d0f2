//! What the twins of attention share: where a head's rows and biases lie, and scores.

use fearless_simd::Simd;
use fearless_simd_macros::simd;

use crate::host::scaled_dot_product_attention::AttentionParams;

/// Queries whose scores are held at once.
pub(crate) const BLOCK: usize = 64;

/// Extents of an attention.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
    /// Heads of all images.
    pub(crate) all: usize,
    /// Heads of one image.
    pub(crate) heads: usize,
    pub(crate) tokens: usize,
    pub(crate) dim: usize,
    pub(crate) scale: f32,
    has_bias: u32,
}

impl Heads {
    pub(crate) fn new(params: &AttentionParams) -> Self {
        let [images, heads, tokens, dim] = [params.images, params.heads, params.tokens, params.dim].map(|extent| extent as usize);
        Heads { all: images * heads, heads, tokens, dim, scale: params.scale, has_bias: params.has_bias }
    }

    /// The rows of a head.
    pub(crate) fn of(self, rows: &[f32], head: usize) -> &[f32] {
        &rows[head * self.tokens * self.dim..][..self.tokens * self.dim]
    }

    /// The biases of a query of a head, where there are any.
    pub(crate) fn biases(self, bias: &[f32], head: usize, query: usize) -> Option<&[f32]> {
        let head = match self.has_bias {
            0 => return None,
            1 => head % self.heads,
            _ => head,
        };
        Some(&bias[(head * self.tokens + query) * self.tokens..][..self.tokens])
    }

    /// True where the images share the biases of a head.
    pub(crate) fn share_bias(self) -> bool {
        self.has_bias == 1
    }
}

/// Products of queries and keys as scores, in place.
#[simd]
pub(crate) fn scaled<S: Simd>(_: S, line: &mut [f32], scale: f32, bias: Option<&[f32]>) {
    match bias {
        Some(bias) => line.iter_mut().zip(bias).for_each(|(score, bias)| *score = *score * scale + bias),
        None => line.iter_mut().for_each(|score| *score *= scale),
    }
}
