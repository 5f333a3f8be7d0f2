//! Group normalisation: the channels of an image in equal groups, each group of pixels with mean 0 and variance 1, then scaled and shifted
//! channel by channel. As `torch.nn.functional.group_norm`: biased variance, eps inside the root.

use super::Shape;

/// y = (x − mean) / √(var + eps) · weight + bias, mean and var those of a group's channels and pixels.
pub fn group_norm(input: &[f64], shape: Shape, groups: usize, weight: &[f64], bias: &[f64], eps: f64) -> Vec<f64> {
    let (standard, _) = standardised(input, shape, groups, eps);
    let channel = channels(shape);
    (0..input.len()).map(|i| standard[i] * weight[channel(i)] + bias[channel(i)]).collect()
}

/// The gradient of the input: (g − mean(g) − x̂ · mean(g · x̂)) / √(var + eps) with g = dy · weight, means over a group.
pub fn group_norm_grad_input(grad_output: &[f64], input: &[f64], shape: Shape, groups: usize, weight: &[f64], eps: f64) -> Vec<f64> {
    let (standard, invstd) = standardised(input, shape, groups, eps);
    let (channel, size) = (channels(shape), input.len() / invstd.len());
    let g: Vec<f64> = (0..input.len()).map(|i| grad_output[i] * weight[channel(i)]).collect();
    let mut grad_input = Vec::new();
    for (group, invstd) in invstd.iter().enumerate() {
        let own = group * size..(group + 1) * size;
        let mean = g[own.clone()].iter().sum::<f64>() / size as f64;
        let along = own.clone().map(|i| g[i] * standard[i]).sum::<f64>() / size as f64;
        grad_input.extend(own.map(|i| (g[i] - mean - standard[i] * along) * invstd));
    }
    grad_input
}

/// The gradient of the weight: Σ over images and pixels of dy · x̂.
pub fn group_norm_grad_weight(grad_output: &[f64], input: &[f64], shape: Shape, groups: usize, eps: f64) -> Vec<f64> {
    let (standard, _) = standardised(input, shape, groups, eps);
    let (channel, mut grad_weight) = (channels(shape), vec![0.0; shape[1]]);
    (0..input.len()).for_each(|i| grad_weight[channel(i)] += grad_output[i] * standard[i]);
    grad_weight
}

/// The gradient of the bias: Σ over images and pixels of dy.
pub fn group_norm_grad_bias(grad_output: &[f64], shape: Shape) -> Vec<f64> {
    let (channel, mut grad_bias) = (channels(shape), vec![0.0; shape[1]]);
    grad_output.iter().enumerate().for_each(|(i, grad)| grad_bias[channel(i)] += grad);
    grad_bias
}

/// The channel of an element.
fn channels([_, c, h, w]: Shape) -> impl Fn(usize) -> usize {
    move |i| i / (h * w) % c
}

/// Elements with mean 0 and variance 1, about, in every group, and 1 / √(var + eps) of each: groups lie one behind the other.
fn standardised(input: &[f64], [n, ..]: Shape, groups: usize, eps: f64) -> (Vec<f64>, Vec<f64>) {
    let size = input.len() / (n * groups);
    let (mut standard, mut invstd) = (Vec::new(), Vec::new());
    for x in input.chunks(size) {
        let mean = x.iter().sum::<f64>() / size as f64;
        let var = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / size as f64;
        invstd.push(1.0 / (var + eps).sqrt());
        standard.extend(x.iter().map(|x| (x - mean) / (var + eps).sqrt()));
    }
    (standard, invstd)
}
