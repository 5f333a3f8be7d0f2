//! What a training step makes of a batch norm beside its output: statistics of the batch, and all gradients.

use crate::error::Result;
use crate::kernels::batch_norm::{
    BatchStats, RunningUpdate, Saved, batch_norm_grad_input, batch_norm_grad_stats, batch_norm_stats, batch_norm_stats_of_moments,
    check_batch,
};
use crate::kernels::mul_scalar::mul_scalar;
use crate::tensor::Tensor;

/// Which variance of a batch joins the running one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunningVariance {
    /// That of N − 1, as PyTorch has it.
    #[default]
    Unbiased,
    /// That of N, as Keras has it for rows.
    Biased,
}

/// How statistics are made of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batching {
    /// Share of the batch in the updated running statistics.
    pub momentum: f32,
    /// Added to the variance.
    pub eps: f32,
    /// Which variance of the batch joins the running one.
    pub variance: RunningVariance,
}

/// The statistics that normalise a batch, and what it does to the running ones; from the `moments` that the convolution before left, if it
/// did.
///
/// # Errors
/// Those of [`batch_norm_stats`] and [`batch_norm_stats_of_moments`].
pub fn batch_norm_batch(
    input: &Tensor,
    moments: Option<&Tensor>,
    [running_mean, running_var]: [&Tensor; 2],
    by: Batching,
) -> Result<(Tensor, RunningUpdate)> {
    check_batch(input)?;
    let BatchStats { stats, mean: batch_mean, var } = match moments {
        Some(moments) => batch_norm_stats_of_moments(moments, by.eps)?,
        None => batch_norm_stats(input, by.eps)?,
    };
    let count = input.len() / batch_mean.len();
    let batch_var = match by.variance {
        RunningVariance::Unbiased => var,
        RunningVariance::Biased => mul_scalar(&var, (count as f64 - 1.0) as f32 / count as f32)?,
    };
    let (running_mean, running_var) = (running_mean.clone(), running_var.clone());
    Ok((stats, RunningUpdate { running_mean, running_var, batch_mean, batch_var, momentum: by.momentum }))
}

/// Gradients of a batch norm, those that are wanted.
pub struct NormGradients {
    /// Of the input.
    pub input: Option<Tensor>,
    /// Of weight and bias.
    pub parameters: Option<(Tensor, Tensor)>,
}

/// Gradients of input and parameters, where they are wanted; with statistics of the batch those of the parameters go into that of the
/// input.
///
/// # Errors
/// Those of [`batch_norm_grad_stats`] and [`batch_norm_grad_input`].
pub fn batch_norm_gradients(
    saved: &Saved,
    grad_output: &Tensor,
    [wants_input, wants_parameters]: [bool; 2],
    of_batch: bool,
) -> Result<NormGradients> {
    let saved = &Saved { input: saved.input.settled()?, ..saved.clone() };
    let parameters = (of_batch || wants_parameters).then(|| batch_norm_grad_stats(saved, grad_output)).transpose()?;
    let constants = parameters.as_ref().filter(|_| of_batch).map(|(weight, bias)| (weight, bias));
    let input = wants_input.then(|| batch_norm_grad_input(saved, grad_output, constants)).transpose()?;
    Ok(NormGradients { input, parameters })
}
