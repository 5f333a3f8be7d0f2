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
    /// Number of the first image among windows.
    first: usize,
    side: usize,
    shift: usize,
    windows: [usize; 2],
}

/// Which side of a map each token of a window comes from, and the query's; none where all come from one.
pub(crate) type Mask<'a> = Option<(&'a [f32], f32)>;

/// What is added to the score of tokens from different sides.
const APART: f32 = -100.0;

impl Heads {
    pub(crate) fn new(params: &AttentionParams) -> Self {
        let [images, heads, tokens, dim] = [params.images, params.heads, params.tokens, params.dim].map(|extent| extent as usize);
        let [first, side, shift, down, across] =
            [params.first, params.side, params.shift, params.down, params.across].map(|extent| extent as usize);
        let (scale, has_bias) = (params.scale, params.has_bias);
        Heads { all: images * heads, heads, tokens, dim, scale, has_bias, first, side, shift, windows: [down, across] }
    }

    /// The rows of all heads.
    pub(crate) fn all_of(self, rows: &[f32]) -> &[f32] {
        &rows[..self.all * self.tokens * self.dim]
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

    /// Which side of a rolled map each token comes from; none where all of the window come from one.
    pub(crate) fn mask(self, head: usize) -> Option<Vec<f32>> {
        let [down, across] = self.windows;
        let window = (self.first + head / self.heads) % (down * across);
        let (below, beyond) = (window / across + 1 == down, window % across + 1 == across);
        if self.shift == 0 || !(below || beyond) {
            return None;
        }
        let over = |at: usize| at + self.shift >= self.side;
        let side = |token: usize| {
            let (rows, cols) = (below && over(token / self.side), beyond && over(token % self.side));
            f32::from(u8::from(rows) + 2 * u8::from(cols))
        };
        Some((0..self.tokens).map(side).collect())
    }

    /// True where the images share the biases of a head.
    pub(crate) fn share_bias(self) -> bool {
        self.has_bias == 1
    }
}

/// Products of queries and keys as scores, in place.
#[simd]
pub(crate) fn scaled<S: Simd>(_: S, line: &mut [f32], scale: f32, bias: Option<&[f32]>, mask: Mask) {
    match bias {
        Some(bias) => line.iter_mut().zip(bias).for_each(|(score, bias)| *score = *score * scale + bias),
        None => line.iter_mut().for_each(|score| *score *= scale),
    }
    if let Some((sides, own)) = mask {
        line.iter_mut().zip(sides).for_each(|(score, side)| *score += if *side == own { 0.0 } else { APART });
    }
}
