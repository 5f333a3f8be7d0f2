//! Host twin of `scaled_dot_product_attention_grad`: a head a task, whose queries are taken block by block, in order.

use rayon::prelude::*;

use super::job::{Inputs, Job, Outputs};
use super::scaled_dot_product_attention::AttentionParams;
use super::shared::attention::{BLOCK, Heads};
use super::shared::attention_grad::Rows;
use super::shared::matrix::{Side, multiply};
use super::shared::operands::with_operands;
use super::shared::scratch::with_scratch;

pub(super) fn scaled_dot_product_attention_grad(
    job: &Job<AttentionParams>,
    [q, k, v, bias, _, stats, grad_output]: Inputs<7>,
    [grads]: Outputs<1>,
) {
    let heads = Heads::new(&job.params);
    with_operands(job.is_half(), [q, k, v, grad_output].map(|rows| heads.all_of(rows)), |[q, k, v, grad_output]| {
        of_rows(&heads, &Rows { q, k, v, bias, stats, grad_output }, grads);
    });
}

fn of_rows(heads: &Heads, given: &Rows, grads: &mut [f32]) {
    let &Rows { q, k, grad_output, .. } = given;
    let [all, tokens, dim] = [heads.all, heads.tokens, heads.dim];
    let (grad_q, rest) = grads[..3 * all * tokens * dim].split_at_mut(all * tokens * dim);
    let (grad_k, grad_v) = rest.split_at_mut(all * tokens * dim);
    let [grad_q, grad_k, grad_v] = [grad_q, grad_k, grad_v].map(|grad| grad.par_chunks_exact_mut(tokens * dim));
    grad_q.zip(grad_k).zip(grad_v).enumerate().for_each(|(head, ((grad_q, grad_k), grad_v))| {
        let [q, k, dy] = [q, k, grad_output].map(|side| heads.of(side, head));
        with_scratch(2 * BLOCK.min(tokens) * tokens, |memory| {
            for first in (0..tokens).step_by(BLOCK) {
                let (rows, add) = (BLOCK.min(tokens - first), first > 0);
                let (shares, rest) = memory.split_at_mut(rows * tokens);
                let ds = &mut rest[..rows * tokens];
                given.block(heads, head, first, shares, ds);
                let [q, dy] = [q, dy].map(|side| Side::rows(&side[first * dim..], dim));
                multiply([tokens, rows, dim], Side::columns(shares, tokens), dy, grad_v, add);
                multiply([tokens, rows, dim], Side::columns(ds, tokens), q, grad_k, add);
                let grad_q = &mut grad_q[first * dim..][..rows * dim];
                multiply([rows, tokens, dim], Side::rows(ds, tokens), Side::rows(k, dim), grad_q, false);
            }
        });
        [grad_q, grad_k].into_iter().flatten().for_each(|grad| *grad *= heads.scale);
    });
}
