//! Host twin of `scaled_dot_product_attention`: blocks of a head's queries, whose scores stay in the cache.

use fearless_simd::{Simd, dispatch};
use fearless_simd_macros::simd;
use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::params;
use super::shared::attention::{BLOCK, Heads, Mask, scaled};
use super::shared::exponents::{exponentials, largest};
use super::shared::level::level;
use super::shared::matrix::{Side, multiply};
use super::shared::operands::with_operands;
use super::shared::parts::Parts;
use super::shared::scratch::with_scratch;

params!(
    /// Extents of an attention; its bias: none, 1 shared by the images, 2 one an image; the factor of the scores; the first image's number
    /// among windows of rolled maps, tokens along a window, by how many maps were rolled, rows and columns of windows of a map.
    AttentionParams for "scaled_dot_product_attention", "scaled_dot_product_attention_grad", "scaled_dot_product_attention_grad_bias" {
        images: u32, heads: u32, tokens: u32, dim: u32, has_bias: u32, scale: f32,
        first: u32, side: u32, shift: u32, down: u32, across: u32,
    }
);

pub(super) fn scaled_dot_product_attention(job: &Job<AttentionParams>, [q, k, v, bias]: Inputs<4>, [output, stats]: Outputs<2>) {
    let heads = Heads::new(&job.params);
    with_operands(job.is_half(), [q, k, v].map(|rows| heads.all_of(rows)), |rows| attend(&heads, rows, bias, [output, stats]));
}

fn attend(heads: &Heads, [q, k, v]: [&[f32]; 3], bias: &[f32], [output, stats]: [&mut [f32]; 2]) {
    let [all, tokens, dim] = [heads.all, heads.tokens, heads.dim];
    let blocks = tokens.div_ceil(BLOCK);
    let (output, stats) = (Parts::new(&mut output[..all * tokens * dim]), Parts::new(&mut stats[..2 * all * tokens]));
    (0..all * blocks).into_par_iter().for_each(|task| {
        let (head, first) = (task / blocks, task % blocks * BLOCK);
        let (rows, row) = (BLOCK.min(tokens - first), head * tokens + first);
        let [k, v] = [k, v].map(|side| heads.of(side, head));
        // SAFETY: the rows of a block belong to one task.
        let (y, stats) = unsafe { (output.part(row * dim, rows * dim), stats.part(2 * row, 2 * rows)) };
        let mask = heads.mask(head);
        with_scratch(rows * tokens, |scores| {
            multiply([rows, dim, tokens], Side::rows(&q[row * dim..], dim), Side::columns(k, dim), scores, false);
            let lines = scores.chunks_exact_mut(tokens).zip(stats.as_chunks_mut::<2>().0).enumerate();
            lines.for_each(|(i, (line, stats))| {
                let bias = heads.biases(bias, head, first + i);
                let mask = mask.as_ref().map(|mask| (&mask[..], mask[first + i]));
                *stats = dispatch!(level(), simd => shares(simd, line, heads.scale, bias, mask));
            });
            multiply([rows, tokens, dim], Side::rows(scores, tokens), Side::rows(v, dim), y, false);
        });
        for (y, &[_, inverse]) in y.chunks_exact_mut(dim).zip(stats.as_chunks::<2>().0) {
            y.iter_mut().for_each(|y| *y *= inverse);
        }
    });
}

/// Exponentials of a line of products as scores, in place; their largest and 1 / sum.
#[simd]
fn shares<S: Simd>(simd: S, line: &mut [f32], scale: f32, bias: Option<&[f32]>, mask: Mask) -> [f32; 2] {
    scaled(simd, line, scale, bias, mask);
    let most = largest(simd, line);
    [most, 1.0 / exponentials(simd, line, most)]
}
