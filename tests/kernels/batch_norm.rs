//! Batch normalisation with a fused activation: output, running statistics and the three gradients.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::kernels::batch_norm as kernels;
use meltcore::ops::{self, Activation, BatchNormAttrs};
use meltcore::reference::batch_norm as definition;
use meltcore::tensor::Tensor;

use crate::activation::{activated, activation_grad, label};
use crate::case::{Case, Checked, close, ensure, extents};
use crate::on_device::{SHAPES, Shape, noise, noisy, poison, wide};

/// Input shape, the values' offset and scale, and what is done with them.
#[derive(Clone, Copy)]
struct Row(Shape, f32, f32, BatchNormAttrs);

const TRAIN: BatchNormAttrs = BatchNormAttrs { training: true, momentum: 0.1, eps: 1e-3, activation: Activation::None };
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
    whole.chain(split).chain([Case::new("refusals", refusals)]).collect()
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
    let channel = |seed, base: f32| -> (Tensor, Vec<f64>) {
        let values: Vec<f32> = noise(seed, c).iter().map(|v| base + 0.4 * v).collect();
        (Tensor::from_slice(gpu, [c], &values).unwrap(), wide(&values))
    };
    let ((weight, w), (bias, b), (mean, m), (var, v)) = (channel(4, 1.0), channel(5, 0.0), channel(6, offset), channel(7, 1.0));
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
    close("output", &y, &activated(attrs.activation, &want.output), 1e-5)?;
    close("running_mean", &mean, &want.running_mean, 1e-6)?;
    close("running_var", &var, &want.running_var, 1e-5)?;
    let grad_input = definition::batch_norm_grad_input(&dz, &input, shape, &w, &m, &v, &settings);
    close("grad_input", &gradient(&x)?, &grad_input, 2e-5)?;
    let grad_weight = definition::batch_norm_grad_weight(&dz, &input, shape, &m, &v, &settings);
    close("grad_weight", &gradient(&weight)?, &grad_weight, 2e-5)?;
    close("grad_bias", &gradient(&bias)?, &definition::batch_norm_grad_bias(&dz, shape), 2e-5)
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
        input: input.clone(),
        stats: stats.clone(),
        weight: c.clone(),
        bias: c.clone(),
        activation: Activation::Relu,
    };
    kernels::batch_norm(&input, &stats, &c, &c, Activation::None)?;
    kernels::batch_norm_grad_stats(&saved(&stats), &input)?;
    kernels::batch_norm_grad_input(&saved(&stats), &input, Some((&c, &c)))?;
    for (i, refused) in [
        kernels::batch_norm_stats_running(gpu, &c, &other, 1e-5).is_err(),
        kernels::batch_norm_stats(&input, &other, &c, 0.1, 1e-5).is_err(),
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
