//! Attention, as `torch.nn.functional.scaled_dot_product_attention` with a float mask: y = softmax(scale · q kᵀ + bias + mask) v, for every
//! image and head on its own. The mask is that of windows of rolled maps: −100 between tokens from different sides (Liu et al. 2021, arXiv
//! 2103.14030).
//!
//! With p the softmax and ds = p · (∂L/∂y·v − ∂L/∂y·y): ∂L/∂q = scale·ds k, ∂L/∂k = scale·dsᵀ q, ∂L/∂v = pᵀ ∂L/∂y, ∂L/∂bias = ds. No array
//! of scores is kept: they are computed by tiles, and again for the gradients (FlashAttention, arXiv 2205.14135 and 2307.08691).
//! Shaders: `shaders/scaled_dot_product_attention*.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::scaled_dot_product_attention as kernels;
pub use crate::kernels::scaled_dot_product_attention::{AttentionAttrs, Windows};
use crate::tensor::Tensor;

/// y = softmax(scale · q kᵀ + bias + mask) v; masked scores have a bias of −100 or −1e9, say, never −∞.
///
/// # Shapes
/// q, k, v `[n, heads, tokens, dim]`, dim at most 64; bias `[heads, tokens, tokens]`, shared by the images, or
/// `[n, heads, tokens, tokens]`; output as q.
///
/// # Errors
/// Shapes that do not fit; out of memory.
pub fn scaled_dot_product_attention(
    tape: &Tape,
    q: &Tensor,
    k: &Tensor,
    v: &Tensor,
    bias: Option<&Tensor>,
    attrs: AttentionAttrs,
) -> Result<Tensor> {
    let attrs = AttentionAttrs { operands: tape.operands(), ..attrs };
    let (output, saved) = kernels::scaled_dot_product_attention(q, k, v, bias, attrs)?;
    let inputs: Vec<_> = [Some(q), Some(k), Some(v), bias].into_iter().flatten().collect();
    let kernels::Saved { bias: b, stats, .. } = saved;
    // The output is no operand of its gradients' products, and stays as it is.
    let ([q_kept, k_kept, v_kept], y) = ([tape.keep(q)?, tape.keep(k)?, tape.keep(v)?], output.clone());
    tape.record(&inputs, &output, move |grad_output, gradients| {
        let [q, k, v] = [q_kept.restored()?, k_kept.restored()?, v_kept.restored()?];
        let saved = kernels::Saved { q, k, v, bias: b, attrs, output: y, stats };
        let leaves = [&saved.q, &saved.k, &saved.v];
        if leaves.iter().any(|leaf| gradients.wants(leaf)) {
            let grads = kernels::scaled_dot_product_attention_grad(&saved, grad_output)?;
            leaves.iter().zip(grads).try_for_each(|(leaf, grad)| gradients.accumulate(leaf, grad))?;
        }
        match saved.bias.as_ref().filter(|bias| gradients.wants(bias)) {
            Some(bias) => gradients.accumulate(bias, kernels::scaled_dot_product_attention_grad_bias(&saved, grad_output)?),
            None => Ok(()),
        }
    });
    Ok(output)
}
