//! Batch normalisation over the channels of a batch, with the activation that follows fused.
//!
//! Forward: x̂ = (x − μ)/√(σ² + eps), z = weight·x̂ + bias, y = f(z); μ and σ² (biased) are those of the batch in training, where
//! running = (1 − momentum)·running + momentum·batch (variance unbiased), and the running ones in evaluation.
//! Gradient, with dz = ∂L/∂y·f'(z): ∂L/∂bias = Σ dz, ∂L/∂weight = Σ dz·x̂,
//! ∂L/∂x = weight/√(σ² + eps)·(dz − (Σ dz + x̂·Σ dz·x̂)/count), in evaluation without the sums. Only x is saved; x̂ and z are recomputed.
//! Source: Ioffe & Szegedy 2015, arXiv 1502.03167; `torch.nn.functional.batch_norm`. Shaders: `shaders/batch_norm*.wgsl`.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::activation::Activation;
use crate::kernels::batch_norm as kernels;
pub use crate::kernels::batch_norm::{Batching, RunningVariance};
use crate::tensor::Tensor;

/// Settings of [`batch_norm`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNormAttrs {
    /// Statistics of the batch (and update of the running ones), or the running ones.
    pub training: bool,
    /// Share of the batch in the updated running statistics.
    pub momentum: f32,
    /// Added to the variance.
    pub eps: f32,
    /// Which variance of the batch joins the running one.
    pub variance: RunningVariance,
    /// Applied to the result.
    pub activation: Activation,
}

/// y = f((x − μ)/√(σ² + eps)·weight + bias); in training `running_mean` and `running_var` are moved in place, once the pass is over
/// ([`Tape::update_running`]).
///
/// # Shapes
/// input `[n, c, h, w]`; weight, bias, running_mean, running_var `[c]`; output as input.
///
/// # Errors
/// Shapes that do not fit; in training a single value per channel (n·h·w = 1); out of memory.
pub fn batch_norm(
    tape: &Tape,
    input: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    attrs: &BatchNormAttrs,
) -> Result<Tensor> {
    let &BatchNormAttrs { training, momentum, eps, variance, activation } = attrs;
    kernels::check(input, weight, bias, running_mean, running_var)?;
    let stats = if training {
        let by = kernels::Batching { momentum, eps, variance };
        let (stats, update) = kernels::batch_norm_batch(input, tape.take_moments(input).as_ref(), [running_mean, running_var], by)?;
        tape.update_running(update)?;
        stats
    } else {
        kernels::batch_norm_stats_running(input.gpu(), running_mean, running_var, eps)?
    };
    let output = kernels::batch_norm(input, &stats, weight, bias, activation)?;
    let (x, w, b) = (tape.keep(input)?, weight.clone(), bias.clone());
    tape.record(&[input, weight, bias], &output, move |grad_output, gradients| {
        let saved = kernels::Saved { input: x.stored(), stats, weight: w, bias: b, activation };
        let wants = [gradients.wants(&x), gradients.wants(&saved.weight) || gradients.wants(&saved.bias)];
        let grads = kernels::batch_norm_gradients(&saved, grad_output, wants, training)?;
        if let Some(grad_input) = grads.input {
            gradients.accumulate(&x, grad_input)?;
        }
        if let Some((grad_weight, grad_bias)) = grads.parameters {
            gradients.accumulate(&saved.weight, grad_weight)?;
            gradients.accumulate(&saved.bias, grad_bias)?;
        }
        Ok(())
    });
    Ok(output)
}
