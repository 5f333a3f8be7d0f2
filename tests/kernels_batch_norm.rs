//! Batch normalisation and activations on the device, against the f64 references.

mod on_device;

use meltcore::autograd::Tape;
use meltcore::kernels::batch_norm as kernels;
use meltcore::ops::{self, Activation, BatchNormAttrs};
use meltcore::reference::{activations, batch_norm as truth};
use meltcore::tensor::Tensor;
use on_device::{SHAPES, Shape, assert_close, gpu, noise, noisy, wide};

const KINDS: [Activation; 5] = [Activation::Relu, Activation::Gelu, Activation::Sigmoid, Activation::Tanhshelf, Activation::Sigmoidcutoff];

fn reference_activation(kind: Activation, x: &[f64]) -> Vec<f64> {
    match kind {
        Activation::None => x.to_vec(),
        Activation::Relu => activations::relu(x),
        Activation::Gelu => activations::gelu(x),
        Activation::Sigmoid => activations::sigmoid(x),
        Activation::Tanhshelf => activations::tanhshelf(x),
        Activation::Sigmoidcutoff => activations::sigmoidcutoff(x),
    }
}

fn reference_gradient(kind: Activation, grad: &[f64], x: &[f64]) -> Vec<f64> {
    match kind {
        Activation::None => grad.to_vec(),
        Activation::Relu => activations::relu_grad_input(grad, x),
        Activation::Gelu => activations::gelu_grad_input(grad, x),
        Activation::Sigmoid => activations::sigmoid_grad_input(grad, x),
        Activation::Tanhshelf => activations::tanhshelf_grad_input(grad, x),
        Activation::Sigmoidcutoff => activations::sigmoidcutoff_grad_input(grad, x),
    }
}

#[test]
fn activations_follow_the_reference_far_into_both_tails() {
    let gpu = gpu();
    let mut values: Vec<f32> = noise(1, 1001).iter().map(|v| 9.0 * v).collect();
    values.extend([0.0, -0.0, 1e-30, -1e-30, 60.0, -60.0]);
    let x = Tensor::from_slice(&gpu, [values.len()], &values).unwrap();
    let grad = noise(2, values.len());
    for kind in KINDS {
        let tape = Tape::recording();
        tape.watch(&x);
        let y = ops::activation(&tape, kind, &x).unwrap();
        assert_close(&format!("{kind:?}"), &y, &reference_activation(kind, &wide(&values)), 1e-5);
        let seed = Tensor::from_slice(&gpu, [values.len()], &grad).unwrap();
        let gradients = tape.backward(&[(&y, seed)]).unwrap();
        let want = reference_gradient(kind, &wide(&grad), &wide(&values));
        assert_close(&format!("{kind:?} gradient"), gradients.get(&x).unwrap(), &want, 1e-5);
    }
}

#[test]
fn activations_of_huge_values_are_finite_and_nan_stays_nan() {
    let gpu = gpu();
    let x = Tensor::from_slice(&gpu, [3], &[1e30, -1e30, f32::NAN]).unwrap();
    for kind in KINDS {
        let tape = Tape::recording();
        tape.watch(&x);
        let y = ops::activation(&tape, kind, &x).unwrap();
        let gradients = tape.backward(&[(&y, Tensor::full(&gpu, [3], 2.0).unwrap())]).unwrap();
        let (y, slope) = (y.to_vec().unwrap(), gradients.get(&x).unwrap().to_vec().unwrap());
        let top = match kind {
            Activation::Relu | Activation::Gelu => [1e30, 2.0],
            Activation::Sigmoid => [1.0, 0.0],
            _ => [0.0, 0.0],
        };
        assert_eq!([y[0], slope[0]], top, "{kind:?}");
        assert_eq!([y[1], slope[1]], [0.0, 0.0], "{kind:?}");
        assert!(y[2].is_nan(), "{kind:?} hides NaN");
    }
}

/// Runs one case with a noisy upstream gradient and compares everything that it gives.
fn check(shape: Shape, attrs: BatchNormAttrs, offset: f32, scale: f32) {
    let gpu = gpu();
    let c = shape[1];
    let values: Vec<f32> = noise(3, shape.iter().product()).iter().map(|v| offset + scale * v).collect();
    let x = Tensor::from_slice(&gpu, shape, &values).unwrap();
    let channel = |seed, base: f32| -> (Tensor, Vec<f64>) {
        let values: Vec<f32> = noise(seed, c).iter().map(|v| base + 0.4 * v).collect();
        (Tensor::from_slice(&gpu, [c], &values).unwrap(), wide(&values))
    };
    let ((weight, w), (bias, b), (mean, m), (var, v)) = (channel(4, 1.0), channel(5, 0.0), channel(6, offset), channel(7, 1.0));
    let tape = Tape::recording();
    [&x, &weight, &bias].into_iter().for_each(|leaf| tape.watch(leaf));
    let y = ops::batch_norm(&tape, &x, &weight, &bias, &mean, &var, &attrs).unwrap();
    let (seed, upstream) = noisy(&gpu, 8, shape);
    let gradients = tape.backward(&[(&y, seed)]).unwrap();

    let settings = truth::BatchNormAttrs { training: attrs.training, momentum: attrs.momentum.into(), eps: attrs.eps.into() };
    let input = wide(&values);
    let want = truth::batch_norm(&input, shape, &w, &b, &m, &v, &settings);
    let dz = reference_gradient(attrs.activation, &upstream, &want.output);
    let label = |what: &str| format!("{what} of {shape:?} {attrs:?}");
    assert_close(&label("output"), &y, &reference_activation(attrs.activation, &want.output), 1e-5);
    assert_close(&label("running_mean"), &mean, &want.running_mean, 1e-6);
    assert_close(&label("running_var"), &var, &want.running_var, 1e-5);
    let grad_input = truth::batch_norm_grad_input(&dz, &input, shape, &w, &m, &v, &settings);
    assert_close(&label("grad_input"), gradients.get(&x).unwrap(), &grad_input, 2e-5);
    let grad_weight = truth::batch_norm_grad_weight(&dz, &input, shape, &m, &v, &settings);
    assert_close(&label("grad_weight"), gradients.get(&weight).unwrap(), &grad_weight, 2e-5);
    assert_close(&label("grad_bias"), gradients.get(&bias).unwrap(), &truth::batch_norm_grad_bias(&dz, shape), 2e-5);
}

#[test]
fn batch_norm_follows_the_reference_on_the_case_table() {
    for &shape in SHAPES {
        for training in [false, true] {
            if training && shape == [1, 1, 1, 1] {
                continue;
            }
            for activation in [Activation::None, Activation::Gelu] {
                check(shape, BatchNormAttrs { training, momentum: 0.1, eps: 1e-3, activation }, 0.3, 2.0);
            }
        }
    }
}

#[test]
fn batch_norm_keeps_its_precision_where_a_channel_is_cut_into_chunks() {
    let attrs = BatchNormAttrs { training: true, momentum: 0.1, eps: 1e-5, activation: Activation::None };
    check([2, 2, 300, 220], attrs, 0.0, 1.0);
    check([2, 1, 301, 221], attrs, 500.0, 0.5);
}

#[test]
fn batch_norm_of_data_with_a_large_offset_is_exact() {
    for shape in [[2, 3, 41, 47], [4, 2, 32, 32]] {
        let attrs = BatchNormAttrs { training: true, momentum: 0.01, eps: 1e-5, activation: Activation::None };
        check(shape, attrs, 1000.0, 0.25);
    }
}

#[test]
fn batch_norm_of_many_channels_and_small_planes() {
    let attrs = BatchNormAttrs { training: true, momentum: 0.1, eps: 1e-3, activation: Activation::Gelu };
    check([2, 731, 4, 4], attrs, 0.0, 1.0);
    check([2, 4500, 1, 3], attrs, 0.0, 1.0);
}

#[test]
fn one_value_per_channel_cannot_be_normalised_by_its_batch() {
    let gpu = gpu();
    let x = Tensor::full(&gpu, [1, 2, 1, 1], 1.0).unwrap();
    let c = Tensor::full(&gpu, [2], 1.0).unwrap();
    let attrs = BatchNormAttrs { training: true, momentum: 0.1, eps: 1e-5, activation: Activation::None };
    let error = ops::batch_norm(&Tape::off(), &x, &c, &c, &c, &c.clone(), &attrs).err().unwrap();
    assert!(error.to_string().contains("more than one value"), "{error}");
    let three = Tensor::full(&gpu, [3], 1.0).unwrap();
    let error = ops::batch_norm(&Tape::off(), &x, &three, &c, &c, &c, &BatchNormAttrs { training: false, ..attrs }).err().unwrap();
    assert!(error.to_string().contains("weight"), "{error}");
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let gpu = gpu();
    let full = |shape: &[usize]| Tensor::full(&gpu, shape, 1.0).unwrap();
    let (input, c, other) = (full(&[2, 3, 4, 5]), full(&[3]), full(&[4]));
    let stats = kernels::batch_norm_stats_running(&gpu, &c, &c, 1e-5).unwrap();
    assert!(kernels::batch_norm_stats_running(&gpu, &c, &other, 1e-5).is_err());
    assert!(kernels::batch_norm_stats(&input, &other, &c, 0.1, 1e-5).is_err());
    assert!(kernels::batch_norm(&input, &stats, &c, &c, Activation::None).is_ok());
    assert!(kernels::batch_norm(&input, &c, &c, &c, Activation::None).is_err());
    assert!(kernels::batch_norm(&input, &stats, &other, &c, Activation::None).is_err());
    let saved = |stats: &Tensor| kernels::Saved {
        input: input.clone(),
        stats: stats.clone(),
        weight: c.clone(),
        bias: c.clone(),
        activation: Activation::Relu,
    };
    assert!(kernels::batch_norm_grad_stats(&saved(&stats), &input).is_ok());
    assert!(kernels::batch_norm_grad_stats(&saved(&c), &input).is_err());
    assert!(kernels::batch_norm_grad_stats(&saved(&stats), &full(&[2, 3, 4, 4])).is_err());
    assert!(kernels::batch_norm_grad_input(&saved(&stats), &input, Some((&c, &c))).is_ok());
    assert!(kernels::batch_norm_grad_input(&saved(&stats), &input, Some((&c, &other))).is_err());
    assert!(kernels::batch_norm_grad_input(&saved(&c), &input, None).is_err());
}
