//! Batch normalisation: statistics, forward with a fused ReLU, and both gradient passes.

use crate::bench::case::{Case, Job, noisy};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::activation::Activation;
use crate::kernels::batch_norm::{Saved, batch_norm, batch_norm_grad_input, batch_norm_grad_stats, batch_norm_stats};
use crate::tensor::Tensor;

const EPS: f64 = 1e-5;

type Noise = (Tensor, Vec<f32>);

/// Tensors of one normalisation, and on the host what each channel's results follow from.
struct Data {
    saved: Saved,
    running: [Tensor; 2],
    x: Vec<f32>,
    g: Noise,
    weight: Vec<f32>,
    bias: Vec<f32>,
    c: usize,
    plane: usize,
}

impl Data {
    fn new(gpu: &Gpu, [n, c, side]: [usize; 3]) -> Result<Data> {
        let ((input, x), g) = (noisy(gpu, 1, [n, c, side, side])?, noisy(gpu, 2, [n, c, side, side])?);
        let ((weight, w), (bias, b)) = (noisy(gpu, 3, [c])?, noisy(gpu, 4, [c])?);
        let running = [Tensor::full(gpu, [c], 0.0)?, Tensor::full(gpu, [c], 1.0)?];
        let stats = batch_norm_stats(&input, &running[0], &running[1], 0.1, EPS as f32)?;
        let saved = Saved { input, stats, weight, bias, activation: Activation::Relu };
        Ok(Data { saved, running, x, g, weight: w, bias: b, c, plane: side * side })
    }

    fn channel(&self, channel: usize) -> impl Iterator<Item = usize> {
        let (c, plane) = (self.c, self.plane);
        let images = self.x.len() / (c * plane);
        (0..images).flat_map(move |image| (image * c + channel) * plane..(image * c + channel + 1) * plane)
    }

    fn mean_of(&self, channel: usize, value: impl Fn(usize) -> f64) -> f64 {
        let count = self.x.len() / self.c;
        self.channel(channel).map(value).sum::<f64>() / count as f64
    }

    fn moments(&self, channel: usize) -> (f64, f64) {
        let mean = self.mean_of(channel, |i| f64::from(self.x[i]));
        let variance = self.mean_of(channel, |i| (f64::from(self.x[i]) - mean).powi(2));
        (mean, 1.0 / (variance + EPS).sqrt())
    }

    /// (x̂, z) of element `i` for its channel's moments.
    fn normal(&self, i: usize, (mean, invstd): (f64, f64)) -> (f64, f64) {
        let channel = i / self.plane % self.c;
        let standard = (f64::from(self.x[i]) - mean) * invstd;
        (standard, standard * f64::from(self.weight[channel]) + f64::from(self.bias[channel]))
    }

    fn slope(&self, i: usize, moments: (f64, f64)) -> f64 {
        if self.normal(i, moments).1 > 0.0 { f64::from(self.g.1[i]) } else { 0.0 }
    }

    /// Means of dz·x̂ and of dz.
    fn gradient_means(&self, channel: usize, moments: (f64, f64)) -> (f64, f64) {
        let along = self.mean_of(channel, |i| self.slope(i, moments) * self.normal(i, moments).0);
        (along, self.mean_of(channel, |i| self.slope(i, moments)))
    }
}

fn stats(d: Data) -> Job {
    let (input, running) = (d.saved.input.clone(), d.running.clone());
    let expected = move |i: usize| {
        let (mean, invstd) = d.moments(i / 4);
        let shift = f64::from(d.x[i / 4 * d.plane]);
        [shift, mean - shift, invstd, f64::NAN][i % 4]
    };
    Job::new(move || batch_norm_stats(&input, &running[0], &running[1], 0.1, EPS as f32), expected, 1e-5)
}

fn forward(d: Data) -> Job {
    let s = d.saved.clone();
    let expected = move |i: usize| d.normal(i, d.moments(i / d.plane % d.c)).1.max(0.0);
    Job::new(move || batch_norm(&s.input, &s.stats, &s.weight, &s.bias, s.activation), expected, 1e-5)
}

fn grad_stats(d: Data) -> Job {
    let (saved, g) = (d.saved.clone(), d.g.0.clone());
    let expected = move |channel: usize| d.gradient_means(channel, d.moments(channel)).0 * (d.x.len() / d.c) as f64;
    Job::new(move || batch_norm_grad_stats(&saved, &g).map(|(grad_weight, _)| grad_weight), expected, 1e-4)
}

fn grad_input(d: Data) -> crate::error::Result<Job> {
    let (saved, g) = (d.saved.clone(), d.g.0.clone());
    let (grad_weight, grad_bias) = batch_norm_grad_stats(&saved, &g)?;
    let expected = move |i: usize| {
        let channel = i / d.plane % d.c;
        let moments = d.moments(channel);
        let (along, plain) = d.gradient_means(channel, moments);
        f64::from(d.weight[channel]) * moments.1 * (d.slope(i, moments) - plain - d.normal(i, moments).0 * along)
    };
    Ok(Job::new(move || batch_norm_grad_input(&saved, &g, Some((&grad_weight, &grad_bias))), expected, 1e-4))
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let shapes: &[[usize; 3]] =
        if large { &[[8, 8, 128], [8, 728, 32], [8, 64, 256]] } else { &[[8, 8, 128], [8, 128, 8], [2, 728, 6], [2, 2048, 3]] };
    let mut cases = Vec::new();
    for &shape in shapes {
        let [n, c, side] = shape;
        let name = |stem: &str| format!("{stem} {c} {n}x{side}x{side}");
        cases.push(Case::new(name("batch_norm_stats"), move |gpu| Ok(stats(Data::new(gpu, shape)?))));
        cases.push(Case::new(name("batch_norm"), move |gpu| Ok(forward(Data::new(gpu, shape)?))));
        cases.push(Case::new(name("batch_norm_grad_stats"), move |gpu| Ok(grad_stats(Data::new(gpu, shape)?))));
        cases.push(Case::new(name("batch_norm_grad_input"), move |gpu| grad_input(Data::new(gpu, shape)?)));
    }
    cases
}
