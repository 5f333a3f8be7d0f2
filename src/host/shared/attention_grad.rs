//! A block of shares of attention and the gradient of its scores, from two products.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;

use super::attention::{Heads, Mask, scaled};
use super::functions::exp;
use super::level::level;
use super::matrix::{Side, multiply};
use super::sums::lane_sums;

/// What the gradients of attention read.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) q: &'a [f32],
    pub(crate) k: &'a [f32],
    pub(crate) v: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) stats: &'a [f32],
    pub(crate) grad_output: &'a [f32],
}

impl Rows<'_> {
    /// Shares and gradients of the scores of the queries of a head from `first` on, `[rows, tokens]` each, as many as there is room for.
    pub(crate) fn block(&self, heads: &Heads, head: usize, first: usize, shares: &mut [f32], grads: &mut [f32]) {
        let (tokens, dim) = (heads.tokens, heads.dim);
        let (rows, row) = (shares.len() / tokens, head * tokens + first);
        let [q, dy] = [self.q, self.grad_output].map(|side| &side[row * dim..][..rows * dim]);
        multiply([rows, dim, tokens], Side::rows(q, dim), Side::columns(heads.of(self.k, head), dim), shares, false);
        multiply([rows, dim, tokens], Side::rows(dy, dim), Side::columns(heads.of(self.v, head), dim), grads, false);
        let mask = heads.mask(head);
        let lines = shares.chunks_exact_mut(tokens).zip(grads.chunks_exact_mut(tokens)).enumerate();
        lines.for_each(|(i, (shares, grads))| {
            let stats = &self.stats[2 * (row + i)..];
            let (bias, stats) = (heads.biases(self.bias, head, first + i), [stats[0], stats[1]]);
            let mask = mask.as_ref().map(|mask| (&mask[..], mask[first + i]));
            dispatch!(level(), simd => of_query(simd, [shares, grads], heads.scale, bias, mask, stats));
        });
    }
}

#[simd]
fn of_query<S: Simd>(simd: S, [shares, grads]: [&mut [f32]; 2], scale: f32, bias: Option<&[f32]>, mask: Mask, [most, inverse]: [f32; 2]) {
    scaled(simd, shares, scale, bias, mask);
    shares.iter_mut().for_each(|share| *share = exp(*share - most) * inverse);
    // ∂L/∂y·y from the same products that it is taken from, so that a query of one key has a gradient of exactly 0.
    let [product] = lane_sums(simd, [&*shares, &*grads], |[share, grad]| [share * grad]);
    shares.iter().zip(grads).for_each(|(share, grad)| *grad = share * (*grad - product));
}
