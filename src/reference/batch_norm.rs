//! Batch normalisation as PyTorch's `batch_norm`, and its gradients.
//!
//! output = (input − mean) / √(var + eps) · weight + bias per channel. In training mean and (biased) variance are the batch's, and
//! running = (1 − momentum) · running + momentum · batch, with the unbiased variance; in evaluation they are the running ones.

use super::{Shape, at, count};

/// How the statistics are taken and kept.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormAttrs {
    /// The batch's statistics, and running ones that move; else the running ones as they are.
    pub training: bool,
    /// Weight of the batch's statistics in the running ones.
    pub momentum: f64,
    /// Added to the variance.
    pub eps: f64,
}

/// The normalised tensor and the running statistics after the step.
pub struct BatchNorm {
    /// The input's shape.
    pub output: Vec<f64>,
    /// One value a channel.
    pub running_mean: Vec<f64>,
    /// One value a channel, unbiased.
    pub running_var: Vec<f64>,
}

/// All values of channel `c`.
fn channel(input: &[f64], shape: Shape, c: usize) -> Vec<f64> {
    let plane = shape[2] * shape[3];
    (0..shape[0]).flat_map(|n| input[at(shape, n, c, 0, 0)..][..plane].to_vec()).collect()
}

/// Mean and biased variance of every channel over batch, rows and columns.
pub fn batch_norm_stats(input: &[f64], shape: Shape) -> (Vec<f64>, Vec<f64>) {
    let mut means = Vec::new();
    let mut variances = Vec::new();
    for c in 0..shape[1] {
        let values = channel(input, shape, c);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        means.push(mean);
        variances.push(values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64);
    }
    (means, variances)
}

/// The statistics that normalise: the batch's in training, the running ones otherwise.
fn statistics(input: &[f64], shape: Shape, running_mean: &[f64], running_var: &[f64], attrs: &BatchNormAttrs) -> (Vec<f64>, Vec<f64>) {
    if attrs.training { batch_norm_stats(input, shape) } else { (running_mean.to_vec(), running_var.to_vec()) }
}

/// The channel of a position in a tensor of `shape`.
fn channel_of(position: usize, shape: Shape) -> usize {
    position / (shape[2] * shape[3]) % shape[1]
}

/// Normalises, and in training moves the running statistics; training needs more than one value per channel.
pub fn batch_norm(
    input: &[f64],
    shape: Shape,
    weight: &[f64],
    bias: &[f64],
    running_mean: &[f64],
    running_var: &[f64],
    attrs: &BatchNormAttrs,
) -> BatchNorm {
    let (mean, var) = statistics(input, shape, running_mean, running_var, attrs);
    let mut output = vec![0.0; count(shape)];
    for (position, value) in input.iter().enumerate() {
        let c = channel_of(position, shape);
        output[position] = (value - mean[c]) / (var[c] + attrs.eps).sqrt() * weight[c] + bias[c];
    }
    let (mut running_mean, mut running_var) = (running_mean.to_vec(), running_var.to_vec());
    if attrs.training {
        let values = (shape[0] * shape[2] * shape[3]) as f64;
        let unbiased: Vec<f64> = var.iter().map(|var| var * values / (values - 1.0)).collect();
        batch_norm_running(&mut running_mean, &mean, attrs.momentum);
        batch_norm_running(&mut running_var, &unbiased, attrs.momentum);
    }
    BatchNorm { output, running_mean, running_var }
}

/// Moves running statistics by the share `momentum` towards those of a batch.
pub fn batch_norm_running(running: &mut [f64], batch: &[f64], momentum: f64) {
    for c in 0..running.len() {
        running[c] = (1.0 - momentum) * running[c] + momentum * batch[c];
    }
}

/// In evaluation: the factor and the summand of every channel, with which [`affine`] normalises.
pub fn batch_norm_affine(weight: &[f64], bias: &[f64], running_mean: &[f64], running_var: &[f64], eps: f64) -> (Vec<f64>, Vec<f64>) {
    let scale: Vec<f64> = (0..weight.len()).map(|c| weight[c] / (running_var[c] + eps).sqrt()).collect();
    let shift = (0..weight.len()).map(|c| bias[c] - running_mean[c] * scale[c]).collect();
    (scale, shift)
}

/// input · scale + shift per channel.
pub fn affine(input: &[f64], shape: Shape, scale: &[f64], shift: &[f64]) -> Vec<f64> {
    let element = |position: usize| input[position] * scale[channel_of(position, shape)] + shift[channel_of(position, shape)];
    (0..count(shape)).map(element).collect()
}

/// The gradient of the input: in training the batch's statistics depend on the input too.
pub fn batch_norm_grad_input(
    grad_output: &[f64],
    input: &[f64],
    shape: Shape,
    weight: &[f64],
    running_mean: &[f64],
    running_var: &[f64],
    attrs: &BatchNormAttrs,
) -> Vec<f64> {
    let (mean, var) = statistics(input, shape, running_mean, running_var, attrs);
    let values = (shape[0] * shape[2] * shape[3]) as f64;
    let grad_weight = batch_norm_grad_weight(grad_output, input, shape, running_mean, running_var, attrs);
    let grad_bias = batch_norm_grad_bias(grad_output, shape);
    let mut grad_input = vec![0.0; count(shape)];
    for position in 0..count(shape) {
        let c = channel_of(position, shape);
        let inverse_std = 1.0 / (var[c] + attrs.eps).sqrt();
        let through_statistics = if attrs.training {
            let normalized = (input[position] - mean[c]) * inverse_std;
            (grad_bias[c] + normalized * grad_weight[c]) / values
        } else {
            0.0
        };
        grad_input[position] = weight[c] * inverse_std * (grad_output[position] - through_statistics);
    }
    grad_input
}

/// The gradient of the scale: Σ grad_output · normalised input per channel.
pub fn batch_norm_grad_weight(
    grad_output: &[f64],
    input: &[f64],
    shape: Shape,
    running_mean: &[f64],
    running_var: &[f64],
    attrs: &BatchNormAttrs,
) -> Vec<f64> {
    let (mean, var) = statistics(input, shape, running_mean, running_var, attrs);
    let mut grad_weight = vec![0.0; shape[1]];
    for position in 0..count(shape) {
        let c = channel_of(position, shape);
        grad_weight[c] += grad_output[position] * (input[position] - mean[c]) / (var[c] + attrs.eps).sqrt();
    }
    grad_weight
}

/// The gradient of the offset: Σ grad_output per channel.
pub fn batch_norm_grad_bias(grad_output: &[f64], shape: Shape) -> Vec<f64> {
    let mut grad_bias = vec![0.0; shape[1]];
    for (position, value) in grad_output.iter().enumerate() {
        grad_bias[channel_of(position, shape)] += value;
    }
    grad_bias
}
