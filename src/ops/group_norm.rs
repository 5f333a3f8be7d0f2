//! Group normalisation (Wu and He 2018, arXiv 1803.08494) with the activation that follows fused, as `torch.nn.functional.group_norm`.
//!
//! Forward: x̂ = (x − μ)/√(σ² + eps), z = weight·x̂ + bias, y = f(z); μ and σ² (biased) are those of the channels and pixels of an image's
//! group. Gradient, with dz = ∂L/∂y·f'(z) and g = weight·dz: ∂L/∂x = (g − mean(g) − x̂·mean(g·x̂))/√(σ² + eps), means over the group,
//! ∂L/∂weight = Σ dz·x̂, ∂L/∂bias = Σ dz. Only x is saved; x̂ and z are recomputed. Shaders: `shaders/group_norm*.wgsl`,
//! `shaders/batch_norm*.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::activation::Activation;
use crate::kernels::group_norm as kernels;
use crate::tensor::Tensor;

/// y = f((x − μ)/√(σ² + eps)·weight + bias) over `groups` equal groups of channels.
///
/// # Shapes
/// input `[n, c, h, w]`, weight and bias `[c]`; output as input.
///
/// # Errors
/// Shapes that do not fit; groups of unequal size or of a single value; out of memory.
pub fn group_norm(
    tape: &Tape,
    input: &Tensor,
    groups: usize,
    weight: &Tensor,
    bias: &Tensor,
    eps: f32,
    activation: Activation,
) -> Result<Tensor> {
    let (output, saved) = kernels::group_norm(input, groups, weight, bias, eps, activation)?;
    let kernels::Saved { stats, weights, biases, .. } = saved;
    let (x, of_weight, of_bias) = (tape.keep(input)?, weight.name(), bias.name());
    tape.record(&[input, weight, bias], &output, move |grad_output, gradients| {
        let saved = kernels::Saved { input: x.restored()?, groups, activation, stats, weights, biases };
        let grads = kernels::group_norm_grad_input(&saved, grad_output)?;
        gradients.accumulate(&saved.input, grads.input)?;
        gradients.accumulate(&of_weight, grads.weight)?;
        gradients.accumulate(&of_bias, grads.bias)
    });
    Ok(output)
}
