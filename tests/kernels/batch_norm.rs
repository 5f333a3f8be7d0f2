//! Batch normalisation with a fused activation: output, running statistics and the three gradients.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::kernels::batch_norm as kernels;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::ops::{self, Activation, BatchNormAttrs, RunningNorm, RunningVariance};
use meltcore::reference::{batch_norm as definition, conv2d};
use meltcore::tensor::Tensor;

use crate::activation::{activated, activation_grad, label};
use crate::case::{Case, Checked, close, ensure, extents};
use crate::on_device::{SHAPES, Shape, noise, noisy, poison, wide};

/// Input shape, the values' offset and scale, and what is done with them.
#[derive(Clone, Copy)]
struct Row(Shape, f32, f32, BatchNormAttrs);

const TRAIN: BatchNormAttrs =
    BatchNormAttrs { training: true, momentum: 0.1, eps: 1e-3, variance: RunningVariance::Unbiased, activation: Activation::None };
const FINE: BatchNormAttrs = BatchNormAttrs { momentum: 0.01, eps: 1e-5, ..TRAIN };
const GELU: BatchNormAttrs = BatchNormAttrs { activation: Activation::Gelu, ..TRAIN };

const ROWS: &[Row] = &[
    // A channel that is cut into chunks, and one with an offset beside which its spread is small.
    Row([2, 2, 300, 220], 0.0, 1.0, TRAIN),
    Row([2, 1, 301, 221], 500.0, 0.5, TRAIN),
    Row([2, 3, 41, 47], 1000.0, 0.25, FINE),
    Row([4, 2, 32, 32], 1000.0, 0.25, FINE),
    // Many channels of small planes.
    Row([2, 731, 4, 4], 0.0, 1.0, GELU),
    Row([2, 4500, 1, 3], 0.0, 1.0, GELU),
];

/// Several images that are small enough to be split.
const SPLIT: &[Row] = &[Row([7, 3, 13, 11], 0.3, 2.0, GELU), Row([5, 2, 41, 47], 0.3, 2.0, TRAIN)];

pub fn cases() -> Vec<Case> {
    let every = SHAPES.iter().flat_map(|&shape| {
        let modes = [TRAIN, GELU].into_iter().flat_map(|attrs| [true, false].map(|training| BatchNormAttrs { training, ..attrs }));
        // One value a channel has no variance.
        modes.filter(move |attrs| !attrs.training || shape != [1, 1, 1, 1]).map(move |attrs| Row(shape, 0.3, 2.0, attrs))
    });
    let case = |row: Row| Case::new(name(&row), move |gpu| check(gpu, row));
    let whole = every.chain(ROWS.iter().copied()).map(case);
    let split = SPLIT.iter().map(|row| case(*row).splitting());
    let affine = [1, 47, 64, 65, 4097].map(|c| Case::new(format!("affine_{c}"), move |gpu| check_affine(gpu, c)));
    let running = [1, 47, 64, 65, 4097].map(|c| Case::new(format!("running_{c}"), move |gpu| check_running(gpu, c)));
    let last = [Case::new("with_a_convolution", with_a_convolution), Case::new("refusals", refusals)];
    whole.chain(split).chain(affine).chain(running).chain(last).collect()
}

fn name(Row(shape, offset, _, attrs): &Row) -> String {
    let mode = if attrs.training { "train" } else { "eval" };
    format!("{mode}_{}_{}_around_{offset}", label(attrs.activation), extents(shape))
}

/// Runs one case with a noisy upstream gradient and compares everything that it gives.
fn check(gpu: &Gpu, Row(shape, offset, scale, attrs): Row) -> Checked {
    let c = shape[1];
    let values: Vec<f32> = noise(3, shape.iter().product()).iter().map(|v| offset + scale * v).collect();
    let x = Tensor::from_slice(gpu, shape, &values)?;
    let [(weight, w), (bias, b), (mean, m), (var, v)] =
        [(4, 1.0), (5, 0.0), (6, offset), (7, 1.0)].map(|(seed, base)| around(gpu, seed, c, base));
    let tape = Tape::recording();
    [&x, &weight, &bias].into_iter().for_each(|leaf| tape.watch(leaf));
    poison(gpu, values.len());
    let y = ops::batch_norm(&tape, &x, &weight, &bias, &mean, &var, &attrs)?;
    let (seed, upstream) = noisy(gpu, 8, shape);
    poison(gpu, values.len());
    poison(gpu, c);
    let gradients = tape.backward(&[(&y, seed)])?;
    let gradient = |of: &Tensor| gradients.get(of).cloned().ok_or("a gradient is missing");

    let settings = definition::BatchNormAttrs { training: attrs.training, momentum: attrs.momentum.into(), eps: attrs.eps.into() };
    let input = wide(&values);
    let want = definition::batch_norm(&input, shape, &w, &b, &m, &v, &settings);
    let dz = activation_grad(attrs.activation, &upstream, &want.output);
    let close = |what: &str, got: &Tensor, want: &[f64], rtol: f64| close(what, got, want, rtol, 1e-30);
    close("output", &y, &activated(attrs.activation, &want.output), 1e-6)?;
    close("running_mean", &mean, &want.running_mean, 6e-7)?;
    close("running_var", &var, &want.running_var, 4e-7)?;
    let grad_input = definition::batch_norm_grad_input(&dz, &input, shape, &w, &m, &v, &settings);
    close("grad_input", &gradient(&x)?, &grad_input, 1.2e-6)?;
    let grad_weight = definition::batch_norm_grad_weight(&dz, &input, shape, &m, &v, &settings);
    close("grad_weight", &gradient(&weight)?, &grad_weight, 4e-6)?;
    close("grad_bias", &gradient(&bias)?, &definition::batch_norm_grad_bias(&dz, shape), 4e-6)
}

/// A vector of values around `base` and its values in f64.
fn around(gpu: &Gpu, seed: u64, c: usize, base: f32) -> (Tensor, Vec<f64>) {
    let values: Vec<f32> = noise(seed, c).iter().map(|v| base + 0.4 * v).collect();
    (Tensor::from_slice(gpu, [c], &values).unwrap(), wide(&values))
}

/// Scale and shift of evaluation, which normalise as the definition of batch norm does.
fn check_affine(gpu: &Gpu, c: usize) -> Checked {
    let [(weight, w), (bias, b), (mean, m), (var, v)] =
        [(4, 1.0), (5, 0.0), (6, 0.3), (7, 1.0)].map(|(seed, base)| around(gpu, seed, c, base));
    poison(gpu, c);
    let (scale, shift) = kernels::batch_norm_affine(&weight, &bias, &mean, &var, 1e-3)?;
    let eps = f64::from(1e-3f32);
    let (want_scale, want_shift) = definition::batch_norm_affine(&w, &b, &m, &v, eps);
    close("scale", &scale, &want_scale, 4e-7, 1e-30)?;
    close("shift", &shift, &want_shift, 4e-7, 1e-30)?;

    let (_, x) = noisy(gpu, 8, [2, c, 1, 3]);
    let settings = definition::BatchNormAttrs { training: false, momentum: 0.1, eps };
    let whole = definition::batch_norm(&x, [2, c, 1, 3], &w, &b, &m, &v, &settings).output;
    let in_two = definition::affine(&x, [2, c, 1, 3], &want_scale, &want_shift);
    let apart = whole.iter().zip(&in_two).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    ensure(apart < 1e-13, format!("the two definitions are {apart:e} apart"))
}

/// Two updates of one layer, in their order: the second with a share that leaves little of the first.
fn check_running(gpu: &Gpu, c: usize) -> Checked {
    let [(running_mean, mut m), (running_var, mut v)] = [(6, 0.3), (7, 1.0)].map(|(seed, base)| around(gpu, seed, c, base));
    let tape = Tape::recording();
    for (seed, momentum) in [(1, 0.1f32), (3, 0.75)] {
        let [(batch_mean, mean), (batch_var, var)] = [(seed, 40.0), (seed + 1, 2.0)].map(|(seed, base)| around(gpu, seed, c, base));
        let (running_mean, running_var) = (running_mean.clone(), running_var.clone());
        tape.update_running(kernels::RunningUpdate { running_mean, running_var, batch_mean, batch_var, momentum })?;
        definition::batch_norm_running(&mut m, &mean, momentum.into());
        definition::batch_norm_running(&mut v, &var, momentum.into());
    }
    let before = running_mean.to_vec()?;
    tape.backward(&[])?;
    ensure(running_mean.to_vec()? != before, "nothing was updated")?;
    close("running_mean", &running_mean, &m, 3e-7, 1e-30)?;
    close("running_var", &running_var, &v, 3e-7, 1e-30)
}

/// A convolution in one pass with its norm: dense and depthwise, against the definitions of both, and refused where it would be derived.
fn with_a_convolution(gpu: &Gpu) -> Checked {
    let (shape, eps) = ([2, 6, 13, 11], f64::from(1e-3f32));
    let meaning = definition::BatchNormAttrs { training: false, momentum: 0.1, eps };
    let x = noisy(gpu, 1, shape);
    for (weight_shape, groups) in [([9, 6, 3, 3], 1), ([6, 1, 3, 3], 6)] {
        let c = weight_shape[0];
        let [(weight, w), (bias, b), (mean, m), (var, v)] =
            [(4, 1.0), (5, 0.0), (6, 0.3), (7, 1.0)].map(|(seed, base)| around(gpu, seed, c, base));
        let kernel = noisy(gpu, 2, weight_shape);
        let attrs = conv2d::Conv2dAttrs { stride: 1, padding: 1, dilation: 1, groups };
        let (sums, sums_shape) = conv2d::conv2d(&x.1, shape, &kernel.1, weight_shape, None, &attrs);
        let want = definition::batch_norm(&sums, sums_shape, &w, &b, &m, &v, &meaning).output;
        let norm = RunningNorm { weight: &weight, bias: &bias, running_mean: &mean, running_var: &var, eps: 1e-3 };
        let attrs = Conv2dAttrs { padding: 1, groups, ..Default::default() };
        let run = |tape: &Tape| ops::conv2d_batch_norm(tape, &x.0, &kernel.0, &norm, &attrs, Activation::Gelu);
        poison(gpu, sums.len());
        // A tape that watches nothing of it is no hindrance.
        close("output", &run(&Tape::recording())?, &activated(Activation::Gelu, &want), 8e-7, 1e-30)?;
        for leaf in [&x.0, &kernel.0, &weight, &bias] {
            let tape = Tape::recording();
            tape.watch(leaf);
            let message = run(&tape).err().map_or("nothing".into(), |error| error.to_string());
            ensure(message.contains("call conv2d and batch_norm"), format!("a watched tensor of {}: {message}", leaf.shape()))?;
        }
    }
    Ok(())
}

fn refusals(gpu: &Gpu) -> Checked {
    let full = |shape: &[usize]| Tensor::full(gpu, shape, 1.0).unwrap();
    let said = |result: meltcore::error::Result<Tensor>| result.err().map_or("nothing".into(), |error| error.to_string());
    // One value a channel cannot be normalised by its batch.
    let (one, two, three) = (full(&[1, 2, 1, 1]), full(&[2]), full(&[3]));
    let message = said(ops::batch_norm(&Tape::off(), &one, &two, &two, &two, &two.clone(), &FINE));
    ensure(message.contains("more than one value"), message)?;
    let running = BatchNormAttrs { training: false, ..FINE };
    let message = said(ops::batch_norm(&Tape::off(), &one, &three, &two, &two, &two, &running));
    ensure(message.contains("weight"), message)?;

    let (input, c, other) = (full(&[2, 3, 4, 5]), full(&[3]), full(&[4]));
    let stats = kernels::batch_norm_stats_running(gpu, &c, &c, 1e-5)?;
    let saved = |stats: &Tensor| kernels::Saved {
        input: input.clone().into(),
        stats: stats.clone(),
        weight: c.clone(),
        bias: c.clone(),
        activation: Activation::Relu,
    };
    let update = |tensors: [&Tensor; 4]| {
        let [running_mean, running_var, batch_mean, batch_var] = tensors.map(Tensor::clone);
        kernels::RunningUpdate { running_mean, running_var, batch_mean, batch_var, momentum: 0.1 }
    };
    kernels::batch_norm(&input, &stats, &c, &c, Activation::None)?;
    kernels::batch_norm_grad_stats(&saved(&stats), &input)?;
    kernels::batch_norm_grad_input(&saved(&stats), &input, Some((&c, &c)))?;
    for (i, refused) in [
        kernels::batch_norm_stats_running(gpu, &c, &other, 1e-5).is_err(),
        kernels::batch_norm_affine(&c, &c, &c, &other, 1e-5).is_err(),
        kernels::batch_norm_affine(&other, &c, &c, &c, 1e-5).is_err(),
        kernels::batch_norm_affine(&input, &input, &input, &input, 1e-5).is_err(),
        kernels::batch_norm_stats(&c, 1e-5).is_err(),
        kernels::batch_norm_running(&update([&c, &c, &c, &other])).is_err(),
        kernels::batch_norm_running(&update([&other, &c, &c, &c])).is_err(),
        kernels::batch_norm(&input, &c, &c, &c, Activation::None).is_err(),
        kernels::batch_norm(&input, &stats, &other, &c, Activation::None).is_err(),
        kernels::batch_norm_grad_stats(&saved(&c), &input).is_err(),
        kernels::batch_norm_grad_stats(&saved(&stats), &full(&[2, 3, 4, 4])).is_err(),
        kernels::batch_norm_grad_input(&saved(&stats), &input, Some((&c, &other))).is_err(),
        kernels::batch_norm_grad_input(&saved(&c), &input, None).is_err(),
    ]
    .into_iter()
    .enumerate()
    {
        ensure(refused, format!("call {i} with shapes that do not fit was not refused"))?;
    }
    Ok(())
}
