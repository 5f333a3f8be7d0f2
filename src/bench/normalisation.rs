//! Batch normalisation: statistics, forward with a fused ReLU, and both gradient passes.

use crate::bench::case::{Case, Job, noisy};
use crate::bench::parts::{by_parts, wide};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::activation::Activation;
use crate::kernels::batch_norm::{
    BatchStats, RunningUpdate, Saved, batch_norm, batch_norm_affine, batch_norm_grad_input, batch_norm_grad_stats, batch_norm_running,
    batch_norm_stats, batch_norm_stats_running,
};
use crate::reference::activation::{relu, relu_grad_input};
use crate::reference::batch_norm as definition;
use crate::reference::{Shape, at, place};
use crate::tensor::Tensor;

const EPS: f64 = 1e-5;
const ATTRS: definition::BatchNormAttrs = definition::BatchNormAttrs { training: true, momentum: 0.1, eps: EPS };

type Noise = (Tensor, Vec<f32>);

/// Tensors of one normalisation, and on the host what each channel's results follow from.
struct Data {
    input: Tensor,
    saved: Saved,
    shape: Shape,
    x: Vec<f32>,
    g: Noise,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

/// One channel on its own: a normalisation knows nothing of the others.
struct Channel {
    shape: Shape,
    input: Vec<f64>,
    weight: [f64; 1],
    /// Behind the normalisation, before the ReLU.
    output: Vec<f64>,
    /// The upstream gradient behind the ReLU's.
    grad: Vec<f64>,
}

impl Data {
    fn new(gpu: &Gpu, [n, c, side]: [usize; 3]) -> Result<Data> {
        let shape = [n, c, side, side];
        let ((input, x), g) = (noisy(gpu, 1, shape)?, noisy(gpu, 2, shape)?);
        let ((weight, w), (bias, b)) = (noisy(gpu, 3, [c])?, noisy(gpu, 4, [c])?);
        let stats = batch_norm_stats(&input, EPS as f32)?.stats;
        let saved = Saved { input: input.clone().into(), stats, weight, bias, activation: Activation::Relu };
        Ok(Data { input, saved, shape, x, g, weight: wide(&w), bias: wide(&b) })
    }

    /// Values of a channel in f64.
    fn of(&self, values: &[f32], channel: usize) -> Vec<f64> {
        let plane = self.shape[2] * self.shape[3];
        (0..self.shape[0]).flat_map(|n| wide(&values[at(self.shape, n, channel, 0, 0)..][..plane])).collect()
    }

    fn channel(&self, c: usize) -> Channel {
        let (input, shape) = (self.of(&self.x, c), [self.shape[0], 1, self.shape[2], self.shape[3]]);
        let output = definition::batch_norm(&input, shape, &[self.weight[c]], &[self.bias[c]], &[0.0], &[1.0], &ATTRS).output;
        let grad = relu_grad_input(&self.of(&self.g.1, c), &output);
        Channel { shape, input, weight: [self.weight[c]], output, grad }
    }

    /// Channel of an element of the input's shape, and where it lies among the channel's values.
    fn part_of(&self) -> impl Fn(usize) -> (usize, usize) + use<> {
        let shape = self.shape;
        move |i| {
            let [n, c, row, col] = place(shape, i);
            (c, at([shape[0], 1, shape[2], shape[3]], n, 0, row, col))
        }
    }
}

fn stats(d: Data) -> Job {
    let input = d.input.clone();
    let statistics = move |c: usize| {
        let Channel { shape, input, .. } = d.channel(c);
        let (mean, var) = definition::batch_norm_stats(&input, shape);
        // The kernel's four words a channel: a shift, the mean beside it, 1/σ, and one that is free.
        vec![input[0], mean[0] - input[0], 1.0 / (var[0] + EPS).sqrt(), f64::NAN]
    };
    let expected = by_parts(|i| (i / 4, i % 4), statistics);
    Job::new(move || batch_norm_stats(&input, EPS as f32).map(|batch| batch.stats), expected, 1e-5)
}

/// The first run takes the running variances from 1 towards the batch's.
fn running(gpu: &Gpu, d: &Data) -> Result<Job> {
    let c = d.weight.len();
    let [running_mean, running_var] = [Tensor::full(gpu, [c], 0.0)?, Tensor::full(gpu, [c], 1.0)?];
    let BatchStats { mean: batch_mean, var: batch_var, .. } = batch_norm_stats(&d.input, EPS as f32)?;
    let of_channel: Vec<f64> = (0..c)
        .map(|c| d.channel(c))
        .map(|Channel { shape, input, .. }| definition::batch_norm(&input, shape, &[1.0], &[0.0], &[0.0], &[1.0], &ATTRS).running_var[0])
        .collect();
    let update = RunningUpdate { running_mean, running_var, batch_mean, batch_var, momentum: ATTRS.momentum as f32 };
    Ok(Job::new(move || batch_norm_running(&update).map(|()| update.running_var.clone()), move |i| of_channel[i], 1e-5))
}

/// What normalises in evaluation: 1/σ of the running variance, and the scale of a convolution's epilogue.
fn evaluation(gpu: &Gpu, c: usize, is_affine: bool) -> Result<Job> {
    let [(weight, w), (bias, _), (mean, _)] = [noisy(gpu, 1, [c])?, noisy(gpu, 2, [c])?, noisy(gpu, 3, [c])?];
    let var: Vec<f32> = noisy(gpu, 4, [c])?.1.iter().map(|value| value.abs() + 0.5).collect();
    let running_var = Tensor::from_slice(gpu, [c], &var)?;
    let of_channel = move |c: usize| 1.0 / (f64::from(var[c]) + EPS).sqrt();
    Ok(match is_affine {
        true => {
            let run = move || Ok(batch_norm_affine(&weight, &bias, &mean, &running_var, EPS as f32)?.0);
            Job::new(run, move |c| f64::from(w[c]) * of_channel(c), 1e-6)
        }
        false => {
            let gpu = gpu.clone();
            let run = move || batch_norm_stats_running(&gpu, &mean, &running_var, EPS as f32);
            Job::new(run, move |i| if i % 4 == 2 { of_channel(i / 4) } else { f64::NAN }, 1e-6)
        }
    })
}

fn forward(d: Data) -> Job {
    let (input, s) = (d.input.clone(), d.saved.clone());
    let expected = by_parts(d.part_of(), move |c| relu(&d.channel(c).output));
    Job::new(move || batch_norm(&input, &s.stats, &s.weight, &s.bias, s.activation), expected, 1e-5)
}

fn grad_stats(d: Data) -> Job {
    let (saved, g) = (d.saved.clone(), d.g.0.clone());
    let grad_weight = move |c: usize| {
        let Channel { shape, input, grad, .. } = d.channel(c);
        definition::batch_norm_grad_weight(&grad, &input, shape, &[0.0], &[1.0], &ATTRS)
    };
    let expected = by_parts(|channel| (channel, 0), grad_weight);
    Job::new(move || batch_norm_grad_stats(&saved, &g).map(|(grad_weight, _)| grad_weight), expected, 1e-4)
}

fn grad_input(d: Data) -> Result<Job> {
    let (saved, g) = (d.saved.clone(), d.g.0.clone());
    let (grad_weight, grad_bias) = batch_norm_grad_stats(&saved, &g)?;
    let expected = by_parts(d.part_of(), move |c| {
        let Channel { shape, input, weight, grad, .. } = d.channel(c);
        definition::batch_norm_grad_input(&grad, &input, shape, &weight, &[0.0], &[1.0], &ATTRS)
    });
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
        cases.push(Case::new(name("batch_norm_running"), move |gpu| running(gpu, &Data::new(gpu, shape)?)));
        cases.push(Case::new(name("batch_norm"), move |gpu| Ok(forward(Data::new(gpu, shape)?))));
        cases.push(Case::new(name("batch_norm_grad_stats"), move |gpu| Ok(grad_stats(Data::new(gpu, shape)?))));
        cases.push(Case::new(name("batch_norm_grad_input"), move |gpu| grad_input(Data::new(gpu, shape)?)));
    }
    cases.push(Case::new("batch_norm_affine 728", |gpu| evaluation(gpu, 728, true)));
    cases.push(Case::new("batch_norm_stats_running 728", |gpu| evaluation(gpu, 728, false)));
    cases
}
