//! Host twin of `scaled_dot_product_attention_grad_bias`: a block of queries a task, images in order where they share the bias.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::scaled_dot_product_attention::AttentionParams;
use super::shared::attention::{BLOCK, Heads};
use super::shared::attention_grad::Rows;
use super::shared::operands::with_operands;
use super::shared::scratch::with_scratch;

pub(super) fn scaled_dot_product_attention_grad_bias(
    job: &Job<AttentionParams>,
    [q, k, v, bias, _, stats, grad_output]: Inputs<7>,
    [grad_bias]: Outputs<1>,
) {
    let heads = Heads::new(&job.params);
    with_operands(job.is_half(), [q, k, v, grad_output].map(|rows| heads.all_of(rows)), |[q, k, v, grad_output]| {
        of_rows(&heads, &Rows { q, k, v, bias, stats, grad_output }, grad_bias);
    });
}

fn of_rows(heads: &Heads, given: &Rows, grad_bias: &mut [f32]) {
    let tokens = heads.tokens;
    let (own, step) = if heads.share_bias() { (heads.heads, heads.heads) } else { (heads.all, heads.all) };
    grad_bias[..own * tokens * tokens].par_chunks_exact_mut(tokens * tokens).enumerate().for_each(|(own, grad_bias)| {
        grad_bias.par_chunks_mut(BLOCK * tokens).enumerate().for_each(|(block, grad_bias)| {
            let words = grad_bias.len();
            grad_bias.fill(0.0);
            with_scratch(2 * words, |memory| {
                let (shares, grads) = memory.split_at_mut(words);
                for head in (own..heads.all).step_by(step) {
                    given.block(heads, head, block * BLOCK, shares, grads);
                    grad_bias.iter_mut().zip(&*grads).for_each(|(sum, grad)| *sum += grad);
                }
            });
        });
    });
}
